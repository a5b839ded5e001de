"""What SpamAssassin thinks of our mail, by its local rules alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.makers import LANGUAGES

GOLDEN = Path(__file__).parents[1] / "golden"
_KINDS = ("announcement", "correction", "retraction", "removal", "embargoed")
_MOST = 0.1

# One process for all: it takes seconds to read its rules. The word list of one's own learnt mail is left out.
_ASK = r"""
use Mail::SpamAssassin;
my $sa = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => '/dev/null', home_dir_for_helpers => $ENV{HOME},
    config_text_end => "use_bayes 0\nuse_txrep 0\n",
});
for my $path (@ARGV) {
    open my $file, '<', $path or die $!; my $mail = $sa->parse([<$file>]);
    my $status = $sa->check($mail);
    print join("\t", $status->get_score, $status->get_names_of_tests_hit), "\n";
    $status->finish; $mail->finish;
}
"""


def _judged(paths: list[Path], home: Path) -> list[tuple[float, str]]:
    asked = ["perl", "-MMail::SpamAssassin", "-e"]
    if not shutil.which("perl") or subprocess.run([*asked, "1"], capture_output=True).returncode:
        pytest.skip("SpamAssassin is not installed (Debian: spamassassin)")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C"}
    done = subprocess.run([*asked, _ASK, *map(str, paths)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    found = [line.split("\t") for line in done.stdout.splitlines()]
    return [(float(score), rules) for score, rules in found]


def test_mail_of_each_kind_in_each_language_is_no_spam(tmp_path: Path) -> None:
    paths = [GOLDEN / f"{kind}.{tag}.eml" for kind in _KINDS for tag in LANGUAGES]
    spam = tmp_path / "spam.eml"
    spam.write_text("Subject: XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n\nFREE MONEY!!!\n")
    *judged, (of_spam, _) = _judged([*paths, spam], tmp_path)
    assert of_spam > 1, "these rules would find nothing"
    assert [(path.name, *one) for path, one in zip(paths, judged, strict=True) if one[0] > _MOST] == []
