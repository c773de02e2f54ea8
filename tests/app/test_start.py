"""How a command starts: what takes long to load waits until somebody needs it."""

import subprocess
import sys
from pathlib import Path

SLOW = ("pypinyin", "holidays", "rjieba", "jinja2")
RULES = """
account: {name: 测试号, app_id: wx0123456789abcdef, original_id: gh_0123456789ab}
keywords:
  rules:
    - {name: 营业时间, when: {contains: [营业时间]}, reply: 九点}
  fallback: 没听懂
tests:
  - {name: 兜底, says: 别的, expects: 没听懂}
"""


def _loaded(after: str, *arguments: str) -> list[str]:
    script = f"import sys\n{after}\nprint(*(name for name in {SLOW} if name in sys.modules))"
    return subprocess.run([sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True).stdout.split()


def test_no_command_loads_dictionaries_before_it_needs_them() -> None:
    assert _loaded("import app.cli") == []


def test_a_check_loads_no_dictionary_that_its_rules_do_not_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(RULES, encoding="utf-8")
    assert _loaded("from pathlib import Path\nfrom app import live\nlive.version(Path(sys.argv[1]))", str(path)) == []
