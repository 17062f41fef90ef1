//! Markup that is well-formed by construction, as HTML and as XML.
//!
//! The one place where text is escaped: names of elements and attributes are known
//! when this is compiled, and all else goes through [`escape`], so nothing that a
//! log or a file says becomes markup.

use crate::units::text::is_hidden;

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Html {
    text: String,
}

/// Attributes of an element, in order.
type Attributes<'a> = &'a [(&'static str, &'a str)];

impl Html {
    /// An element with what `inside` puts into it.
    pub(super) fn element(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.begin(name, attributes);
        self.text.push('>');
        inside(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        if !matches!(name, "span" | "b" | "code" | "title" | "desc" | "text") {
            self.text.push('\n');
        }
    }

    /// An element that holds text alone.
    pub(super) fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        self.element(name, attributes, |html| html.text(text));
    }

    /// An element that holds nothing.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.begin(name, attributes);
        self.text.push_str("/>");
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) {
        escape(&mut self.text, text);
    }

    /// A style sheet of our own, which holds no `<`, `&` nor `]]>`.
    pub(super) fn style(&mut self, sheet: &'static str) {
        self.text.push_str("<style>\n");
        self.text.push_str(sheet);
        self.text.push_str("</style>\n");
    }

    /// The page with what every one begins with.
    pub(super) fn into_page(self) -> String {
        format!("<!DOCTYPE html>\n{}", self.text)
    }

    fn begin(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            escape(&mut self.text, value);
            self.text.push('"');
        }
    }
}

/// Appends text as it may stand in an element and in a quoted attribute. Hidden
/// characters are replaced, among which are those that XML does not allow (its §2.2).
fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            _ if is_hidden(character) => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut html = Html::default();
        html.leaf("p", &[("title", "\"><script>")], "</p><b onclick='x'>&\u{0}\u{202e}");
        assert_eq!(
            html.text,
            "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;/p&gt;&lt;b onclick=&#39;x&#39;&gt;&amp;\
             \u{fffd}\u{fffd}</p>\n"
        );
    }

    proptest! {
        #[test]
        fn a_parser_finds_the_text_again(text in any::<String>()) {
            // A parser makes blanks of these in an attribute (XML §3.3.3).
            let text = text.replace(['\n', '\t'], " ");
            let mut html = Html::default();
            html.leaf("p", &[("title", &text)], &text);
            let parsed = roxmltree::Document::parse(&html.text).unwrap();
            let element = parsed.root_element();
            let shown = text.replace(is_hidden, "\u{fffd}");
            prop_assert_eq!(element.attribute("title"), Some(&*shown));
            prop_assert_eq!(element.text().unwrap_or_default(), shown);
            prop_assert_eq!(element.children().filter(|child| child.is_element()).count(), 0);
        }
    }
}
