"""Our own Markdown on a page."""

import re

from aftercall.pbx import guide
from aftercall.web import markdown

TEXT = """# A title

## Turn on TLS

Words with `code` and <script>alert(1)</script>.

![a picture](images/x.png)

```sh
echo "<b>" && exit
```

| a | b |
| --- | --- |
| 1 | [there](#turn-on-tls) |
"""


def test_the_title_is_apart_and_each_heading_has_its_anchor() -> None:
    text = markdown.render(TEXT)
    assert text.title == "A title"
    assert "A title" not in text.html
    assert [(each.slug, each.title) for each in text.headings] == [("turn-on-tls", "Turn on TLS")]
    assert '<h2 id="turn-on-tls">' in text.html


def test_html_is_shown_and_not_obeyed() -> None:
    html = markdown.render(TEXT).html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_commands_can_be_copied_and_tables_scroll() -> None:
    html = markdown.render(TEXT).html
    assert "<pre data-copied-text>echo &#34;&lt;b&gt;&#34; &amp;&amp; exit" in html
    assert html.count("data-copy>") == 1
    assert '<div class="wide"><table>' in html


def test_each_cell_of_a_table_knows_its_column() -> None:
    html = markdown.render(TEXT).html
    assert '<td data-column="a">1</td>' in html
    assert '<td data-column="b"><a href="#turn-on-tls">there</a></td>' in html


def test_pictures_stay_out_without_a_trace() -> None:
    html = markdown.render(TEXT).html
    assert "picture" not in html
    assert "<p></p>" not in html


def test_every_link_within_the_guide_leads_somewhere() -> None:
    text = markdown.render(guide.markdown())
    links = re.findall(r'href="([^"]*)"', text.html)
    assert len(links) > 30
    assert set(links) <= {f"#{heading.slug}" for heading in text.headings}
