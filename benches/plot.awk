# Draws lines as SVG: reads `series<TAB>x<TAB>y`, writes one picture. It does not know what
# the figures mean.
#
# usage: awk -f benches/plot.awk -v title=T -v x_label=X -v y_label=Y FIGURES >PICTURE
#
# Both axes are linear and begin at 0, so a straight line means a proportional cost. No font
# or colour is loaded; colours follow the reader's light or dark preference. Series are in
# the order of their first appearance.

function nice_step(span, steps,    raw, power, unit) {
  if (span <= 0) return 1
  raw = span / steps
  power = 10 ^ int(log(raw) / log(10) - (raw < 1 ? 0.999999 : 0))
  unit = raw / power
  return (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power
}

function thousands(value,    text, out) {
  text = sprintf("%.10g", value)
  if (text !~ /^[0-9]+$/) return text
  while (length(text) > 3) {
    out = "," substr(text, length(text) - 2) out
    text = substr(text, 1, length(text) - 3)
  }
  return text out
}

function escape(text) {
  gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text)
  return text
}

function px(x) { return left + x / x_end * wide }
function py(y) { return top + high - y / y_end * high }

function label(x, y, anchor, text, kind) {
  printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", kind, x, y, anchor, escape(text)
}

function axes(    v, i) {
  for (i = 0; (v = i * x_step) <= x_end * 1.0001; i++) {
    printf "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", px(v), top, px(v), top + high
    label(px(v), top + high + 16, "middle", thousands(v), "ink")
  }
  for (i = 0; (v = i * y_step) <= y_end * 1.0001; i++) {
    printf "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", left, py(v), left + wide, py(v)
    label(left - 6, py(v) + 4, "end", thousands(v), "ink")
  }
  printf "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", left, top, top + high, left + wide
  label(left + wide / 2, top + high + 36, "middle", x_label, "ink")
  label(left, top - 12, "start", y_label, "ink")
  label(left, 22, "start", title, "ink title")
}

# Draws one series: a line through its points, and its name in a row below the picture.
function series_of(s,    i, d, row) {
  for (i = 1; i <= points[s]; i++) d = d sprintf("%s%.1f %.1f", i == 1 ? "M" : "L", px(x_of[s, i]), py(y_of[s, i]))
  printf "<path class=\"line s%d\" d=\"%s\"/>\n", s, d
  for (i = 1; i <= points[s]; i++) printf "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", s, px(x_of[s, i]), py(y_of[s, i])
  row = top + high + 58 + int((s - 1) / 2) * 18
  printf "<path class=\"line s%d\" d=\"M%.1f %.1fh22\"/>\n", s, left + (s - 1) % 2 * wide / 2, row - 4
  label(left + 28 + (s - 1) % 2 * wide / 2, row, "start", name[s], "ink")
}

BEGIN { FS = "\t"; width = 640; left = 64; top = 58; wide = 548; high = 250 }

!($1 in number) { number[$1] = ++count; name[count] = $1 }
{
  s = number[$1]; i = ++points[s]
  x_of[s, i] = $2; y_of[s, i] = $3
  if ($2 > x_max) x_max = $2
  if ($3 > y_max) y_max = $3
}

END {
  if (!count) { print "plot.awk: no figures for: " title >"/dev/stderr"; exit 1 }
  x_step = nice_step(x_max, 6); y_step = nice_step(y_max, 6)
  # The smallest multiple of a step that covers all points.
  for (x_end = x_step; x_end < x_max * 0.9999; ) x_end += x_step
  for (y_end = y_step; y_end < y_max * 0.9999; ) y_end += y_step
  height = top + high + 58 + int((count + 1) / 2) * 18
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width, height
  print "<title>" escape(title) "</title>"
  print "<style>"
  print ".page{fill:#fff}.ink{fill:#1f2328;font:12px sans-serif}.title{font-size:14px;font-weight:bold}"
  print ".grid{stroke:#d8dee4}.axis{stroke:#59636e;fill:none}.line{fill:none;stroke-width:2}.dot{stroke:none}"
  print ".line.s1{stroke:#0969da}.line.s2{stroke:#bc4c00}.line.s3{stroke:#1a7f37}.line.s4{stroke:#8250df}.line.s5{stroke:#59636e}"
  print ".dot.s1{fill:#0969da}.dot.s2{fill:#bc4c00}.dot.s3{fill:#1a7f37}.dot.s4{fill:#8250df}.dot.s5{fill:#59636e}"
  print "@media(prefers-color-scheme:dark){.page{fill:#0d1117}.ink{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#9198a1}"
  print ".line.s1{stroke:#4493f8}.line.s2{stroke:#f0883e}.line.s3{stroke:#3fb950}.line.s4{stroke:#ab7df8}.line.s5{stroke:#9198a1}"
  print ".dot.s1{fill:#4493f8}.dot.s2{fill:#f0883e}.dot.s3{fill:#3fb950}.dot.s4{fill:#ab7df8}.dot.s5{fill:#9198a1}}"
  print "</style>"
  printf "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height
  axes()
  for (s = 1; s <= count; s++) series_of(s)
  print "</svg>"
}
