"""Counts what ./check ran: automake's logs and pytest's JUnit files. Prints the closing line."""
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def automake(path):
    """Each test program is one test, unless it says how many it holds (cmocka)."""
    passed = failed = skipped = 0
    for line in path.read_text(errors="replace").splitlines():
        match = re.match(r"(PASS|FAIL|SKIP|ERROR|XFAIL|XPASS): (\S+)", line)
        if not match:
            continue
        kind, name = match.groups()
        log = path.parent.parent.parent / ("build-sanitizer" if "sanitizer" in path.name else "build") / (
            re.sub(r"\.\w+$", "", name) + ".log")
        text = log.read_text(errors="replace") if log.exists() else ""
        good = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
        wrong = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
        missed = sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", text)))
        if kind == "PASS":
            passed += max(good, 1)
            skipped += missed
        elif kind == "SKIP":
            skipped += 1
        else:
            passed += good
            failed += max(wrong, 1)
    return passed, failed, skipped


def junit(path):
    passed = failed = skipped = 0
    for suite in ET.parse(path).getroot().iter("testsuite"):
        total, bad, missed = int(suite.get("tests")), int(suite.get("failures")) + int(suite.get("errors")), int(suite.get("skipped"))
        passed, failed, skipped = passed + total - bad - missed, failed + bad, skipped + missed
    return passed, failed, skipped


def main(report, bad):
    counts = [0, 0, 0]
    for path in sorted(Path(report).iterdir()):
        part = automake(path) if path.suffix == ".txt" else junit(path)
        print(f"{path.stem:16} {part[0]} passed, {part[1]} failed, {part[2]} skipped")
        counts = [a + b for a, b in zip(counts, part)]
    if bad and not counts[1]:
        counts[1] = 1  # a runner failed without naming a test
    print(f"{counts[0]} passed, {counts[1]} failed" + (f", {counts[2]} skipped" if counts[2] else ""))
    return 1 if counts[1] or bad or not counts[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] == "1"))
