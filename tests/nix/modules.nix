# Evaluates one module with one configuration, as the module system of nixpkgs would
# where definitions are plain: mkIf, mkMerge and mkDefault are understood, submodules,
# imports and orders are not. Every value is held against its type, and a definition
# without an option is an error.
{ lib }:
{
  module,
  user,
  args,
}:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    concatStringsSep
    filter
    hasAttr
    head
    isAttrs
    isList
    length
    map
    mapAttrs
    tail
    ;
  made = module (args // { inherit config lib; });
  sources = [
    made.config
    user
  ];
  kind = value: if isAttrs value then value._type or null else null;

  # lookUp PATH VALUE: the definitions at a path, conditions still around them.
  lookUp =
    path: value:
    if kind value == "if" then
      map (lib.mkIf value.condition) (lookUp path value.content)
    else if kind value == "merge" then
      concatMap (lookUp path) value.contents
    else if path == [ ] then
      [ value ]
    else if isAttrs value && hasAttr (head path) value then
      lookUp (tail path) value.${head path}
    else
      [ ];

  # discharge VALUE: what of it holds, with its weight.
  discharge =
    value:
    if kind value == "if" then
      if value.condition then discharge value.content else [ ]
    else if kind value == "merge" then
      concatMap discharge value.contents
    else if kind value == "default" then
      [
        {
          weak = true;
          value = value.content;
        }
      ]
    else
      [
        {
          weak = false;
          inherit value;
        }
      ];

  merge =
    path: definitions:
    let
      strong = filter (definition: !definition.weak) definitions;
      values = map (definition: definition.value) (if strong == [ ] then definitions else strong);
    in
    if all isList values then
      concatLists values
    else if all isAttrs values && length values > 1 then
      builtins.foldl' (one: other: one // other) { } values
    else if all (value: value == head values) values then
      head values
    else
      throw "${concatStringsSep "." path} has conflicting definitions";

  definitionsAt = path: concatMap discharge (concatMap (lookUp path) sources);

  valueOf =
    path: option:
    let
      definitions = definitionsAt path;
      value = if definitions == [ ] then option.default else merge path definitions;
    in
    if option.type.check value then
      value
    else
      throw "${concatStringsSep "." path} is no ${option.type.name}";

  valuesOf =
    path: tree:
    mapAttrs (
      name: inner:
      let
        here = path ++ [ name ];
      in
      if kind inner == "option" then valueOf here inner else valuesOf here inner
    ) tree;

  # Options of others, which are not declared here: whatever is defined.
  resolve =
    value:
    let
      definitions = discharge value;
    in
    if isAttrs value && kind value == null && value.type or null != "derivation" then
      mapAttrs (_: resolve) value
    else if definitions != [ ] && kind value != null then
      resolve (head definitions).value
    else
      value;
  foreign =
    path: default:
    let
      definitions = definitionsAt path;
    in
    if definitions == [ ] then default else resolve (merge path definitions);

  # What the user defines must be declared.
  undeclared =
    path: tree: value:
    concatMap (
      name:
      let
        here = path ++ [ name ];
      in
      if !(hasAttr name tree) then
        [ (concatStringsSep "." here) ]
      else if kind tree.${name} == "option" then
        [ ]
      else
        undeclared here tree.${name} value.${name}
    ) (attrNames value);
  unknown = undeclared [ ] made.options user;

  config =
    if unknown == [ ] then
      valuesOf [ ] made.options
    else
      throw "no such option: ${concatStringsSep ", " unknown}";
in
{
  inherit config;
  inherit (made) options;
  units = foreign [ "systemd" "services" ] { };
  sysctl = foreign [ "boot" "kernel" "sysctl" ] { };
  ports = foreign [ "networking" "firewall" "allowedTCPPorts" ] [ ];
  failed = map (assertion: assertion.message) (
    filter (assertion: !assertion.assertion) (foreign [ "assertions" ] [ ])
  );
}
