"""project: what the check_* scripts share: the files of the tree, and how a check ends."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Folders of data that tests read: somebody else's words, kept as they are.
DATA = re.compile(r'(^|/)([\w-]*(corpus|vectors|fixtures|golden|-tests)|models)/')
MOST_SHOWN = 40


def files(*suffixes):
    """Files git knows or would take, as paths relative to ROOT; of those endings, or all."""
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=ROOT,
                            capture_output=True, check=True, text=True).stdout.split('\0')
    return sorted(pathlib.Path(name) for name in set(listed)
                  if name and name.endswith(suffixes or ('',)) and not DATA.search(name) and
                  (ROOT / name).is_file())


def end(what, problems):
    """Prints the problems; the status says whether there were any."""
    for problem in problems[:MOST_SHOWN]:
        print(problem)
    print(f'{what}: {len(problems)} problems' if problems else f'{what}: fine')
    sys.exit(bool(problems))


def self_test(what, samples, check):
    """Each sample is (name, input, whether `check` must complain): proves the check can fail."""
    wrong = [f'{what}: {name}: {"not noticed" if bad else "wrongly refused"}'
             for name, given, bad in samples if bool(check(given)) != bad]
    end(f'{what} --self-test', wrong)
