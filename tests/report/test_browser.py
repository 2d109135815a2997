"""The report in a real browser: silent, off the network, usable by keyboard, legible on a phone."""

import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from naas_hw.report.page import render_report

pytestmark = pytest.mark.needs("chromium", "chromedriver")

TAB, ENTER, SPACE, DOWN = "\ue004", "\ue007", " ", "\ue015"
EVIL = '<script>window.hit = 1</script><img src="http://127.0.0.1:9/x" onerror="window.hit = 2">'
OUTSIDE = """return [...document.querySelectorAll("svg text")].filter(text => {
    const box = text.getBoundingClientRect();
    const whole = text.ownerSVGElement.getBoundingClientRect();
    return box.left < whole.left - 1 || box.right > whole.right + 1 ||
        box.top < whole.top - 1 || box.bottom > whole.bottom + 1;
}).map(text => text.textContent)"""  # text that leaves its chart
TABLE = "table.sortable.wide"
CUT = """return [...document.querySelectorAll("main *, header *, nav *, footer *")].filter(
    e => e.checkVisibility() && !e.closest("svg") && e.scrollWidth > e.clientWidth + 1 &&
        !["inline", "contents"].includes(getComputedStyle(e).display) &&
        getComputedStyle(e).position !== "absolute" && e.tagName !== "TH"
).map(e => [e.tagName + "." + e.className, getComputedStyle(e).overflowX])"""  # wider inside
COLOURS = """const of = (selector, name) =>
    getComputedStyle(document.querySelector(selector))[name];
return { paper: of("body", "backgroundColor"), ink: of("body", "color"),
    card: of(".tiles > div", "backgroundColor"), link: of("main a", "color"),
    text: of("svg text", "fill"), mark: of(".mark.tone0", "fill"), grid: of(".grid", "stroke") }"""
FAINT = """const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
const linear = part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
const bright = colour => numbers(colour).slice(0, 3).map(part => linear(part / 255))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
const opaque = e => {
    for (; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor;
        if (numbers(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
};
const holds = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
return [...document.querySelectorAll("body *")].filter(
    e => holds(e) && e.checkVisibility() && !["SCRIPT", "title"].includes(e.tagName)
).map(e => {
    const style = getComputedStyle(e);
    const [front, back] = [e.closest("svg") ? style.fill : style.color, opaque(e)].map(bright);
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    return [e.tagName, e.textContent.trim().slice(0, 40), contrast];
}).filter(([, , contrast]) => contrast < 4.5)"""  # text with less contrast than WCAG asks for


def texts(browser, selector: str) -> list[str]:
    """Text of every element that fits, hidden ones too."""
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())"
    return browser.run(script, selector)


def column(browser, title: str) -> list[str]:
    """A column of the table of layers, as it stands."""
    return browser.run(
        """const table = document.querySelector(arguments[0]);
        const heads = [...table.tHead.rows[0].cells].map(c => c.textContent.trim());
        const at = heads.indexOf(arguments[1]);
        return [...table.tBodies[0].rows].map(r => r.cells[at].textContent.trim());""",
        TABLE,
        title,
    )


def whole(texts_: list[str]) -> list[int]:
    return [int(text.replace(",", "")) for text in texts_]


@pytest.fixture
def opened(browser, searched_page):
    browser.resize(1280, 900)
    browser.open(searched_page)
    return browser


def test_the_console_is_silent_and_nothing_is_asked_for_but_the_page(opened, searched_page):
    assert opened.log("browser") == []
    assert opened.requests() == [searched_page.as_uri()]
    assert opened.run("return performance.getEntriesByType('resource').length") == 0


def test_the_policy_would_stop_a_request_and_a_foreign_script(opened):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        opened.run(
            """const image = new Image(); image.src = arguments[0];
            const script = document.createElement("script");
            script.textContent = "window.hit = 3"; document.body.append(script, image);""",
            f"http://127.0.0.1:{server.getsockname()[1]}/x.png",
        )
        refused = opened.console(at_least=2)
        assert opened.run("return window.hit === undefined")
        with pytest.raises(BlockingIOError):
            server.accept()
    assert len(refused) == 2
    assert all("Content Security Policy" in message for message in refused)


def test_the_numbers_are_those_of_result_json(opened, searched_run):
    (network,) = json.loads((searched_run / "result.json").read_text())["networks"]
    layers = network["layers"]
    assert column(opened, "layer") == [layer["name"] for layer in layers]
    assert whole(column(opened, "cycles")) == [layer["cycles"] for layer in layers]
    assert column(opened, "utilisation") == [f"{layer['utilization']:.1%}" for layer in layers]
    assert column(opened, "energy, µJ") == [f"{x['energy_pj'] / 1e6:,.2f}" for x in layers]
    for cause in ("load", "fill", "drain", "store"):
        expected = [layer["stalls"][cause] for layer in layers]
        assert whole(column(opened, f"stall: {cause}")) == expected
    beats = [sum(n for k, n in x["accesses"].items() if k.startswith("dram_")) for x in layers]
    assert whole(column(opened, "DRAM beats")) == beats
    tiles = dict(zip(texts(opened, ".tiles dt"), texts(opened, ".tiles .value"), strict=True))
    assert tiles["cycles"] == f"{network['cycles']:,}"
    assert tiles["energy"] == f"{network['energy_pj'] / 1e6:,.1f} µJ"
    assert tiles["utilisation"] == f"{network['utilization']:.1%}"


def test_a_heading_sorts_by_keyboard_and_says_so(opened):
    before = whole(column(opened, "cycles"))
    assert before != sorted(before) and before != sorted(before, reverse=True)
    opened.run(
        """[...document.querySelectorAll(arguments[0] + " th button")]
        .find(b => b.textContent === "MACs").focus()""",
        TABLE,
    )
    opened.press(TAB, TAB)  # past "PEs used", to "cycles"
    assert opened.run("return document.activeElement.textContent") == "cycles"
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert opened.run(outline) == "solid"
    state = "return document.activeElement.parentElement.getAttribute('aria-sort')"
    assert opened.run(state) is None
    opened.press(ENTER)
    assert opened.comes_to("descending", state)
    assert whole(column(opened, "cycles")) == sorted(before, reverse=True)
    opened.press(SPACE)
    assert opened.comes_to("ascending", state)
    assert whole(column(opened, "cycles")) == sorted(before)
    assert texts(opened, ".status") == ["Layers: sorted by cycles, ascending"]
    sorted_heads = "return document.querySelectorAll(arguments[0] + ' [aria-sort]').length"
    assert opened.run(sorted_heads, TABLE) == 1


def test_numbers_with_commas_and_per_cent_sort_as_numbers(opened):
    for title in ("MACs", "utilisation", "energy, µJ"):
        click = """[...document.querySelectorAll(arguments[0] + " th button")]
            .find(b => b.textContent === arguments[1]).click()"""
        opened.run(click, TABLE, title)
        shown = [float(re.sub("[,%]", "", text)) for text in column(opened, title)]
        assert shown == sorted(shown, reverse=True)


def test_the_first_stop_of_the_keyboard_skips_to_the_figures(opened):
    opened.press(TAB)
    assert opened.run("return document.activeElement.textContent") == "Skip to the figures"
    assert opened.run("return document.activeElement.getBoundingClientRect().left") == 0
    opened.press(ENTER)
    assert opened.comes_to("main", "return document.activeElement.id")


def test_a_layer_is_chosen_by_keyboard_and_its_nest_shown(opened):
    names = texts(opened, "#layer-choice option")
    assert names == ["first", "second", "third", "last"]
    shown = "return [...document.querySelectorAll('.nest')].filter(n => !n.hidden).map(n => n.id)"
    assert opened.run(shown) == ["nest-0"]
    opened.run("document.getElementById('layer-choice').focus()")
    opened.press(DOWN)
    assert opened.comes_to(["nest-1"], shown)
    assert texts(opened, "#nest-1 pre")[0].startswith("# second: depthwise K=8")


def test_a_name_in_the_table_leads_to_its_nest(opened):
    opened.run("document.querySelector(arguments[0]).focus()", f'{TABLE} a[href="#nest-2"]')
    opened.press(ENTER)
    focus = "return [document.activeElement.id, document.activeElement.hidden]"
    assert opened.comes_to(["nest-2", False], focus)
    assert opened.run("return document.getElementById('layer-choice').value") == "nest-2"


@pytest.mark.parametrize("width", [320, 360, 768])
def test_the_page_is_never_wider_than_the_screen(browser, searched_page, width):
    browser.resize(width, 800)
    browser.open(searched_page)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    wide = "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    assert browser.run(wide) == [width, width, width]


def test_the_longest_names_make_it_no_wider_and_stay_inside_charts(
    browser, searched_facts, tmp_path
):
    page = tmp_path / "long.html"
    page.write_text(render_report(with_names(searched_facts, "M" * 100)), encoding="utf-8")
    browser.resize(360, 800)
    browser.open(page)
    wide = """return [...document.querySelectorAll("body, body *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll, pre, svg"))
    .map(e => e.tagName + "." + e.className)"""
    assert browser.run(wide) == []
    assert browser.run("return document.documentElement.scrollWidth") == 360
    assert browser.run(OUTSIDE) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off(browser, searched_page, width):
    """On a screen each table fits; on a phone a table or a loop nest scrolls within its own box."""
    browser.resize(width, 900)
    browser.open(searched_page)
    assert browser.run("return document.documentElement.scrollWidth") == width
    cut = browser.run(CUT)
    assert cut == [] if width == 1280 else all(overflow == "auto" for _, overflow in cut)
    assert browser.run(OUTSIDE) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_both_schemes_are_legible(browser, searched_page, width):
    """Text has the contrast of WCAG 2.1, level AA; the dark page is dark, its charts too."""
    seen = {}
    for dark in (False, True):
        browser.resize(width, 900, dark=dark)
        browser.open(searched_page)
        browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert browser.run(FAINT) == []
        seen[dark] = browser.run(COLOURS)
    assert all(seen[True][name] != colour for name, colour in seen[False].items())
    papers = [luminance(seen[dark]["paper"]) for dark in (False, True)]
    assert papers[0] > 0.9 and papers[1] < 0.05


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)`: WCAG 2.1, definitions."""
    parts = [int(part) / 255 for part in re.findall(r"[0-9]+", colour)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_in_charts_is_legible_on_a_phone(browser, searched_page):
    browser.resize(360, 800)
    browser.open(searched_page)
    heights = browser.run(
        """return [...document.querySelectorAll("svg text")].map(text =>
        parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a)"""
    )
    assert min(heights) >= 8  # CSS pixels


def test_text_in_charts_stays_inside_them(opened):
    assert opened.run(OUTSIDE) == []


def test_headings_go_down_one_level_at_a_time_and_every_id_is_there_once(opened):
    levels = opened.run(
        "return [...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))
    ids = opened.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = opened.run(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
    )
    assert set(targets) <= set(ids)


def test_names_are_text_whatever_they_say(browser, searched_facts, tmp_path):
    page = tmp_path / "evil.html"
    page.write_text(render_report(with_names(searched_facts, EVIL)), encoding="utf-8")
    browser.resize(1280, 900)
    browser.open(page)
    assert browser.run("return window.hit === undefined")
    assert browser.log("browser") == []
    assert browser.requests() == [page.as_uri()]
    assert browser.run("return document.querySelectorAll('script, img').length") == 1
    assert set(texts(browser, "#layer-choice option")) == {EVIL}
    assert EVIL in texts(browser, "h1")[0]


def with_names(facts, name: str):
    """The facts with this for every name that comes from a model or a command line."""

    def renamed(one):
        return replace(one, layer=one.layer.model_copy(update={"name": name}))

    networks = tuple(
        replace(network, name=name, layers=tuple(map(renamed, network.layers)))
        for network in facts.networks
    )
    simulation = facts.simulation.model_copy(
        update={
            "layers": tuple(
                layer.model_copy(update={"name": name, "first_piece": name, "ok": False})
                for layer in facts.simulation.layers
            )
        }
    )
    return replace(
        facts,
        networks=networks,
        simulation=simulation,
        accelerator=facts.accelerator.model_copy(update={"name": name}),
        manifest=facts.manifest.model_copy(update={"command": (name,)}),
        result=facts.result.model_copy(update={"budget": name, "objective": name}),
    )


def test_without_scripts_every_nest_is_shown_and_no_control_is_dead(browser, searched_page):
    browser.resize(1280, 900)
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(searched_page)
        seen = browser.run(
            "return [...document.querySelectorAll('.nest, button, select')]"
            ".filter(e => e.checkVisibility()).map(e => e.id)"
        )
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
    assert seen == ["nest-0", "nest-1", "nest-2", "nest-3"]


@pytest.mark.parametrize("width", [949, 1017])  # Letter and A4, across: pixels within margins
def test_in_print_no_column_of_a_table_is_cut(browser, searched_page, width):
    browser.resize(width, 1000)
    browser.open(searched_page)
    browser.tell("Emulation.setEmulatedMedia", media="print")
    try:
        cut = browser.run(
            """return [...document.querySelectorAll("th, td, svg")].filter(
                cell => cell.checkVisibility() && cell.getBoundingClientRect().right > innerWidth
            ).map(cell => cell.textContent.trim())"""
        )
        hidden = texts_seen(browser, "nav, .skip, summary, #layer-choice")
    finally:
        browser.tell("Emulation.setEmulatedMedia", media="")
    assert cut == [] and hidden == []


def texts_seen(browser, selector: str) -> list[str]:
    """Text of every element that fits and is shown."""
    return browser.run(
        """return [...document.querySelectorAll(arguments[0])]
        .filter(e => e.checkVisibility()).map(e => e.textContent)""",
        selector,
    )


def test_the_page_is_one_file(searched_page: Path):
    text = searched_page.read_text(encoding="utf-8")
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:,)""", text) == []
    assert "http:" not in text and "https:" not in text
    assert re.findall(r"<[^>]+\son[a-z]+\s*=", text) == []
