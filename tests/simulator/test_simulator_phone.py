"""The phone's page, as far as it can be judged without a person: it is whole, keeps to itself, and takes words for words."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

PHONE = Path(__file__).parents[2] / "simulator" / "phone"
SOURCES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PHONE.iterdir())}
PAGE = SOURCES["index.html"]
SCRIPTS = {name: text for name, text in SOURCES.items() if name.endswith(".js")}
NODE = shutil.which("node")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")

REFERENCES = re.compile(
    r'(?:src|href)="([\w.-]+)"'  # the page
    r'|from "\./([\w.-]+)"'  # modules
    r'|url\("([\w.-]+)"\)'  # style sheets
    r"|new Worker\(`([\w.-]+)\?"
)


def _references(text: str) -> Iterator[str]:
    for found in REFERENCES.finditer(text):
        yield next(name for name in found.groups() if name)


def _used(pattern: str) -> set[str]:
    return {name for text in SCRIPTS.values() for name in re.findall(pattern, text)}


def test_every_file_the_page_needs_is_there_and_none_is_forgotten() -> None:
    needed, waiting = {"index.html"}, ["index.html"]
    while waiting:
        for name in _references(SOURCES[waiting.pop()]):
            if name not in needed:
                assert name in SOURCES, name
                needed.add(name)
                waiting.append(name)
    assert set(SOURCES) - needed <= {"article.css"}  # the look of articles, which the platform serves as pages of their own


def test_what_the_scripts_look_for_is_on_the_page() -> None:
    parts = set(re.findall(r'data-part="([\w-]+)"', PAGE))
    assert _used(r'\bpart\("([\w-]+)"\)') <= parts
    assert parts <= _used(r'"([\w-]+)"') | _used(r"\[data-part=([\w-]+)\]")
    assert _used(r'\$\("([\w-]+)"\)') <= set(re.findall(r'\bid="([\w-]+)"', PAGE))
    drawings = set(re.findall(r'^  (\w+): "[Mm]', SOURCES["icon.js"], re.MULTILINE))
    assert set(re.findall(r'data-icon="(\w+)"', PAGE)) | _used(r'\bicon\("(\w+)"\)') | _used(r'\bitem\("(\w+)"') <= drawings


def test_every_import_names_something_its_module_exports() -> None:
    for name, text in SCRIPTS.items():
        for names, module in re.findall(r'^import \{ ([^}]+) \} from "\./([\w.-]+)";', text, re.MULTILINE):
            exported = set(re.findall(r"^export (?:async )?(?:const|function|class|let) (\w+|\$)", SCRIPTS[module], re.MULTILINE))
            wanted = {item.split(" as ")[0].strip() for item in names.split(",")}
            assert wanted <= exported, f"{name}: {wanted - exported} of {module}"


def test_nothing_comes_from_elsewhere() -> None:
    for name, text in SOURCES.items():
        assert set(re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+", text)) <= {"http://www.w3.org"}, name


def test_words_never_become_markup_or_code() -> None:
    parsing = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(|new Function"
    for name, text in SOURCES.items():
        assert not re.search(parsing, text), name
        assert not re.search(r"\s(?:style|on\w+)=\"", text), name


def test_files_stay_small() -> None:
    for name, text in SOURCES.items():
        assert len(text.splitlines()) <= 200, name


def test_what_a_page_may_load_is_said_in_its_headers(platform: httpx.Client) -> None:
    for file in ("/", "/main.js", "/live.js?openid=x"):
        policy = platform.get(file).headers["content-security-policy"]
        rules = {words.split()[0]: set(words.split()[1:]) for words in policy.split(";")}
        assert rules["default-src"] == {"'self'"}
        assert rules["img-src"] == {"'self'", "data:", "blob:", "https:", "http:"}  # operators' articles have pictures on the web
        assert rules["media-src"] == {"'self'", "blob:"}
        assert not {"'unsafe-inline'", "'unsafe-eval'", "*"} & set().union(*rules.values())
        assert not {"script-src", "style-src", "connect-src", "worker-src"} & rules.keys()


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_scripts_are_good_javascript() -> None:
    script = "const vm = require('vm'); for (const [name, text] of Object.entries(JSON.parse(require('fs').readFileSync(0)))) new vm.SourceTextModule(text, { identifier: name });"
    command = [str(NODE), "--no-warnings", "--experimental-vm-modules", "--input-type=commonjs", "-e", script]
    subprocess.run(command, input=json.dumps(SCRIPTS), text=True, check=True, timeout=20)


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_xml_is_shown_an_element_a_line() -> None:
    given = "<xml><A><![CDATA[签到]]></A><B><C>1</C><C>2</C></B><D><![CDATA[a<b]]></D></xml>"
    told = _node(f'import {{ pretty }} from "./xml.js"; console.log(pretty({json.dumps(given)}));')
    assert told == "<xml>\n  <A>签到</A>\n  <B>\n    <C>1</C>\n    <C>2</C>\n  </B>\n  <D><![CDATA[a<b]]></D>\n</xml>\n"


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_times_are_those_of_a_phone_in_china_by_the_platforms_clock() -> None:
    script = """
        import { briefly, sync, when } from "./time.js";
        const at = (text) => Date.parse(text) / 1000;
        sync({ now: at("2026-11-22T00:30:00Z"), speed: 0 });
        for (const text of ["2026-11-21T23:45:00Z", "2026-11-21T15:00:00Z", "2026-11-18T04:00:00Z", "2026-03-02T04:00:00Z", "2025-03-02T04:00:00Z"])
            console.log(when(at(text)), "|", briefly(at(text)));
    """
    assert _node(script).splitlines() == [
        "07:45 | 07:45",
        "昨天 23:00 | 昨天",
        "星期三 12:00 | 星期三",
        "3月2日 12:00 | 3月2日",
        "2025年3月2日 12:00 | 2025年3月2日",
    ]


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_a_tap_on_a_menu_link_chooses_with_its_id_and_says_its_words_where_it_has_none() -> None:
    stub = """
        export const button = (look, act, label) => ({ act, label });
        export const link = () => ({ tagName: "SPAN" });
    """
    text = SCRIPTS["text.js"].replace('"./dom.js"', json.dumps(_data_url(stub)))
    href = "weixin://bizmsgmenu?msgmenucontent=%E8%90%A5%E4%B8%9A%26&msgmenuid="
    said = f'问 <a href="{href}m-1">1. 营业</a> <a href="{href.partition("&")[0]}">2. 营业</a>'
    script = f"""
        import {{ withLinks }} from {json.dumps(_data_url(text))};
        const scene = {{ say: (...told) => console.log("say", ...told), choose: (...told) => console.log("choose", ...told) }};
        for (const message of [{{ id: "77" }}, {{}}])
            for (const part of withLinks({json.dumps(said)}, scene, message)) part.act?.();
    """
    assert _run(script).splitlines() == ["choose 77 m-1 营业&", "say 营业&", "say 营业&", "say 营业&"]


def _data_url(module: str) -> str:
    return "data:text/javascript;charset=utf-8," + quote(module)


def _node(script: str) -> str:
    """What the script says. Its one import becomes a data URL: no package.json tells node that the page's files are modules."""
    module = re.search(r'"\./([\w.]+)"', script)
    assert module is not None
    return _run(script.replace(module[0], json.dumps(_data_url(SCRIPTS[module[1]]))))


def _run(script: str) -> str:
    command = [str(NODE), "--no-warnings", "--input-type=module", "-e", script]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=20).stdout


@pytest.mark.skipif(BROWSER is None, reason="needs a browser")
def test_the_page_shows_a_conversation_and_takes_hostile_words_for_words(
    platform: httpx.Client, webhook: Any, openid: str, passive: Callable[..., bytes], tmp_path: Path
) -> None:
    hostile = '<img src=x onerror="document.title=1"><a href="https://example.com/orders">我的订单</a><a href="javascript:alert(1)">坏</a>'
    webhook.answer = lambda push: (200, passive(push.query["openid"], "text", f"<Content><![CDATA[{hostile}]]></Content>"))
    platform.post("/_sim/say", json={"openid": openid, "text": "<b>在吗</b>"})
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=2000"]
    address = str(platform.base_url.copy_with(path="/", params={"follower": openid}))
    page = subprocess.run([*command, "--dump-dom", address], capture_output=True, encoding="utf-8", check=True, timeout=60).stdout
    assert "&lt;b&gt;在吗&lt;/b&gt;" in page
    assert '<a href="https://example.com/orders" target="_blank" rel="noopener noreferrer">我的订单</a>' in page
    assert "&lt;img src=x onerror=" in page
    assert '&lt;a href="javascript:alert(1)"&gt;坏&lt;/a&gt;' in page
