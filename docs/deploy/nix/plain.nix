# Reads the unit and the kernel settings of docs/deploy/systemd, so that a NixOS machine
# uses the same ones as any other.
{ lib }:
let
  linesOf =
    file:
    lib.filter (line: line != "" && !lib.hasPrefix "#" line) (
      lib.splitString "\n" (builtins.readFile file)
    );
in
{
  # unit FILE: its sections; each name with its value, or with a list of values if it
  # occurs more than once.
  unit =
    file:
    let
      read =
        { section, sections }:
        line:
        let
          header = builtins.match "\\[(.*)]" line;
          entry = builtins.match "([A-Za-z]+)=(.*)" line;
          name = lib.head entry;
          before = sections.${section} or { };
          values = before.${name} or [ ] ++ lib.tail entry;
        in
        if header != null then
          {
            section = lib.head header;
            inherit sections;
          }
        else
          {
            inherit section;
            sections = sections // {
              ${section} = before // {
                ${name} = values;
              };
            };
          };
      start = {
        section = "";
        sections = { };
      };
    in
    lib.mapAttrs (_: lib.mapAttrs (_: values: if lib.tail values == [ ] then lib.head values else values))
      (lib.foldl' read start (linesOf file)).sections;

  # sysctl FILE: its settings, with numbers as numbers.
  sysctl =
    file:
    let
      setting =
        line:
        let
          words = builtins.match "([^ =]+) *= *(.*)" line;
          value = lib.last words;
          isNumber = builtins.match "[0-9]+" value != null;
        in
        lib.nameValuePair (lib.head words) (if isNumber then lib.toInt value else value);
    in
    lib.listToAttrs (map setting (linesOf file));
}
