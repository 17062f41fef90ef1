# A stand-in for the part of nixpkgs' lib that this project's Nix files use: enough to
# evaluate them without the network, and not a word more, so that a name that does not
# exist is an error here too. Types check single values; documentation is not made.
let
  inherit (builtins)
    all
    attrNames
    concatMap
    elem
    head
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isString
    length
    map
    match
    stringLength
    substring
    tail
    ;
  lib = rec {
    inherit (builtins)
      attrNames
      concatLists
      concatMap
      filter
      foldl'
      head
      isBool
      listToAttrs
      mapAttrs
      substring
      tail
      ;
    last = list: builtins.elemAt list (length list - 1);
    toList = value: if isList value then value else [ value ];
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: list: if condition then list else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    nameValuePair = name: value: { inherit name value; };
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);
    genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
    hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
    splitString = separator: text: filter isString (builtins.split (quote separator) text);
    quote = builtins.replaceStrings [ "." "|" "*" "+" ] [ "[.]" "[|]" "[*]" "[+]" ];
    concatMapStrings = f: list: builtins.concatStringsSep "" (map f list);
    boolToString = value: if value then "true" else "false";
    toUpper =
      let
        low = splitLetters "abcdefghijklmnopqrstuvwxyz";
        up = splitLetters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        splitLetters = text: builtins.genList (at: substring at 1 text) (stringLength text);
      in
      builtins.replaceStrings low up;
    toInt =
      text:
      let
        value = builtins.fromJSON text;
      in
      if isInt value then value else throw "${text} is no number";
    importTOML = file: builtins.fromTOML (builtins.readFile file);

    getExe = package: "${package}/bin/${package.meta.mainProgram}";
    getExe' = package: name: "${package}/bin/${name}";
    getOutput = output: package: package.${output} or package;
    licenses = genAttrs [
      "mit"
      "lgpl21Plus"
      "lgpl3Plus"
    ] (name: name);
    platforms.linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];

    # Files must exist; what is kept is their names.
    fileset = {
      unions = map (
        file: if builtins.pathExists file then toString file else throw "${toString file} is missing"
      );
      toSource =
        { root, fileset }:
        assert all (hasPrefix (toString root)) fileset;
        builtins.concatStringsSep ":" fileset;
    };

    mkOption = option: { _type = "option"; } // option;
    mkEnableOption =
      what:
      mkOption {
        type = types.bool;
        default = false;
        description = "Whether to enable ${what}.";
      };
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
    mkMerge = contents: {
      _type = "merge";
      inherit contents;
    };
    mkDefault = content: {
      _type = "default";
      inherit content;
    };

    types =
      let
        type = name: check: { inherit name check; };
        isSpan = low: high: value: isInt value && value >= low && value <= high;
      in
      {
        bool = type "bool" isBool;
        int = type "int" isInt;
        float = type "float" isFloat;
        str = type "str" isString;
        path = type "path" (value: builtins.isPath value || isString value && hasPrefix "/" value);
        package = type "package" (value: isAttrs value && value.type or null == "derivation");
        port = type "port" (isSpan 0 65535);
        ints.unsigned = type "unsigned" (isSpan 0 9223372036854775807);
        ints.between = low: high: type "between" (isSpan low high);
        enum = values: type "enum" (value: elem value values);
        strMatching = pattern: type "strMatching" (value: isString value && match pattern value != null);
        nullOr = inner: type "nullOr" (value: value == null || inner.check value);
        either = one: other: type "either" (value: one.check value || other.check value);
        addCheck = inner: check: type inner.name (value: inner.check value && check value);
        listOf = inner: type "listOf" (value: isList value && all inner.check value);
      };
  };
in
removeAttrs lib [ "quote" ]
