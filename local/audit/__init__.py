"""Holds every version of the locks against published holes, without a network: OSV's records of what is locked here,
kept in `requirements/advisories.json`.

    python -m local.audit                       what is known of the locked versions
    python -m local.audit --refresh [SOURCE]    takes the records anew from OSV's dump of PyPI, or from such a zip file

pip-audit asks a service for each package and reads no file; osv-scanner, which does, is a program in Go. What is read
is OSV's format either way (https://ossf.github.io/osv-schema/).
"""
