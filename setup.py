"""Say where the packages lie; everything else stands in setup.cfg."""

from setuptools import find_packages, setup

ROOTS = ("protocol", "relay", "daemon")
PLACES = {
    package: f"{root}/{package.replace('.', '/')}"
    for root in ROOTS
    for package in find_packages(root)
}

setup(packages=sorted(PLACES), package_dir=PLACES)
