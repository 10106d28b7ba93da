#!/usr/bin/python3
"""Every C++ source is as clang-format would write it (.clang-format). `make format` mends what this finds (--fix)."""
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from project import arguments, project_files

FILES_PER_CALL = 40


def complaints(root, paths, how):
    """What clang-format says about these files; nothing when all is well."""
    done = subprocess.run(["clang-format", *how, *map(str, paths)], cwd=root,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 and not done.stdout:
        return f"clang-format: exit status {done.returncode}\n"
    return done.stdout


def main():
    parser = arguments(__doc__)
    parser.add_argument("--fix", action="store_true", help="write the files as they should be")
    options = parser.parse_args()
    root, how = options.root, ["-i"] if options.fix else ["--dry-run", "-Werror"]
    if shutil.which("clang-format") is None:
        print("clang-format is not installed", file=sys.stderr)
        return 1
    paths = [path for path in project_files(root) if path.suffix in (".h", ".cc")]
    calls = [paths[first:first + FILES_PER_CALL] for first in range(0, len(paths), FILES_PER_CALL)]
    with ThreadPoolExecutor(max_workers=2) as pool:
        said = "".join(pool.map(lambda part: complaints(root, part, how), calls))
    wrong = sorted({line.split(":", 1)[0] for line in said.splitlines() if ": error: " in line})
    print(said, end="")
    print(f"check_format: {len(paths)} files, {len(wrong)} not formatted" + "".join(f"\n  {name}" for name in wrong))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
