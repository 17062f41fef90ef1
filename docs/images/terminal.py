#!/usr/bin/env python3
"""Converts a terminal screen, as printed by `tmux capture-pane -e -p`, into an SVG.

usage: terminal.py COLUMNS LINES <screen >picture.svg

Supports the sixteen colours, bold, dim, underlined and reversed. The colours depend on the
reader's light or dark preference; those of the terminal may differ.
"""

import html
import re
import sys

WIDTH, HEIGHT, MARGIN = 8.4, 16.5, 14
# Black, red, green, yellow, blue, magenta, cyan, white: on dark and on light.
DARK = ["#45475a", "#f7768e", "#9ece6a", "#e0af68", "#7aa2f7", "#bb9af7", "#5fc9d8", "#c9d1d9"]
LIGHT = ["#24292f", "#cf222e", "#1a7f37", "#9a6700", "#0969da", "#8250df", "#1b7c83", "#6e7781"]
PLAIN = {"fg": None, "bg": None, "bold": False, "dim": False, "under": False, "turned": False}
ON = {1: "bold", 2: "dim", 4: "under", 7: "turned"}
OFF = {22: ("bold", "dim"), 24: ("under",), 27: ("turned",)}


def styled(line, style):
    """Returns the cells of a line with their styles; the style continues on the next line."""
    cells = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        found = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not found:
            text = re.sub(r"\x1b.|[\x0e\x0f]", "", part)
            cells += [(character, dict(style)) for character in text]
            continue
        for code in [int(code or 0) for code in found[1].split(";")]:
            if code == 0:
                style.update(PLAIN)
            elif code in ON:
                style[ON[code]] = True
            elif code in OFF:
                style.update(dict.fromkeys(OFF[code], False))
            elif 30 <= code <= 37 or 90 <= code <= 97:
                style["fg"] = code % 10
            elif 40 <= code <= 47 or 100 <= code <= 107:
                style["bg"] = code % 10
            elif code in (39, 49):
                style["fg" if code == 39 else "bg"] = None
    return cells


def runs(cells):
    """Neighbours of one style together: where they begin, their text, the style."""
    begin = 0
    for at in range(1, len(cells) + 1):
        if at == len(cells) or cells[at][1] != cells[begin][1]:
            yield begin, "".join(character for character, _ in cells[begin:at]), cells[begin][1]
            begin = at


def draw(columns, lines, screen):
    width, height = columns * WIDTH + 2 * MARGIN, lines * HEIGHT + 2 * MARGIN
    colours = lambda palette: "".join(f".c{i}{{fill:{c}}}" for i, c in enumerate(palette))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14" xml:space="preserve">',
        "<style>text{white-space:pre}.page{fill:#16181d}.ink{fill:#d5d9e0}.paper{fill:#16181d}"
        ".bold{font-weight:bold}.dim{opacity:.6}.under{text-decoration:underline}"
        + colours(DARK)
        + "@media(prefers-color-scheme:light){.page{fill:#fff}.ink{fill:#24292f}.paper{fill:#fff}"
        + colours(LIGHT)
        + "}</style>",
        f'<rect class="page" width="{width:g}" height="{height:g}" rx="10"/>',
    ]
    style = dict(PLAIN)
    for row, line in enumerate(screen.split("\n")[:lines]):
        y = MARGIN + row * HEIGHT
        for begin, text, look in runs(styled(line, style)):
            x, length = MARGIN + begin * WIDTH, len(text) * WIDTH
            fore = "ink" if look["fg"] is None else f"c{look['fg']}"
            back = None if look["bg"] is None else f"c{look['bg']}"
            if look["turned"]:
                fore, back = back or "paper", fore
            if back:
                out.append(f'<rect class="{back}" x="{x:g}" y="{y:g}" width="{length:g}" height="{HEIGHT}"/>')
            if text.strip():
                marks = [name for name in ("bold", "dim", "under") if look[name]]
                out.append(
                    f'<text class="{" ".join([fore] + marks)}" x="{x:g}" y="{y + 12.5:g}" '
                    f'textLength="{length:g}" lengthAdjust="spacingAndGlyphs">{html.escape(text)}</text>'
                )
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(draw(int(sys.argv[1]), int(sys.argv[2]), sys.stdin.read()))
