#!/usr/bin/env bash
# Checks pages of the report with axe-core (WCAG 2.1 A and AA, and its best practices), in
# headless Chromium, light and dark. Prints `skipped` if Chromium or axe-core is missing;
# .ci/setup installs them.
#
#   tests/accessibility.sh PAGE.html...
set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ffmpeg-hls-swarm
axe=${AXE:-$cache/axe/node_modules/axe-core/axe.min.js}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
  echo "skipped: Chromium is not installed"
  exit 0
fi
if [ ! -f "$axe" ]; then
  echo "skipped: axe-core is not installed ($axe)"
  exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Makes a copy of the page that runs axe on itself and writes the result into its title. The
# policy of the page forbids scripts, so the copy has no policy.
probe() {
  sed 's|<meta http-equiv="Content-Security-Policy"[^>]*>||; s|</html>.*||' "$1"
  printf '<script>'
  cat "$axe"
  cat <<'SCRIPT'
</script><script>
axe.run(document, { resultTypes: ["violations"] }).then(function (found) {
  var violations = found.violations.map(function (rule) {
    return rule.id + " (" + rule.impact + "): " + rule.help + ": " +
      rule.nodes.slice(0, 3).map(function (node) { return node.html.slice(0, 160); }).join(" | ");
  });
  var list = document.createElement("pre");
  list.id = "axe";
  list.textContent = "AXE " + found.passes.length + " rules held\n" +
    violations.map(function (line) { return "AXE-VIOLATION " + line.replace(/\n/g, " "); }).join("\n");
  document.body.appendChild(list);
});
</script></html>
SCRIPT
}

# dump PAGE SCHEME: prints the page after axe ran; SCHEME is 0 for dark and 1 for light.
dump() {
  timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --user-data-dir="$scratch/profile" --blink-settings=preferredColorScheme="$2" \
    --window-size="${3:-1200},900" --virtual-time-budget=60000 --dump-dom "file://$1" 2>/dev/null
}

failed=0
for page in "$@"; do
  probe "$page" >"$scratch/page.html"
  for scheme in 1 0; do
    dump "$scratch/page.html" "$scheme" >"$scratch/dump"
    found=$(sed -n '/id="axe">/,$p' "$scratch/dump")
    if ! grep -q 'AXE [0-9]* rules held' <<<"$found"; then
      echo "$page: axe-core did not finish" >&2
      failed=1
    elif grep -q 'AXE-VIOLATION' <<<"$found"; then
      echo "$page, colour scheme $scheme:" >&2
      grep 'AXE-VIOLATION' <<<"$found" >&2
      failed=1
    else
      grep -o 'AXE [0-9]* rules held' <<<"$found"
    fi
  done
done
exit "$failed"
