# SPDX-License-Identifier: Apache-2.0
"""The fork server: it imports torch and its kin once a run and hands each job a child that has them already.

``launch.start`` begins one beside a run, ``client.py`` passes a job to it, ``server`` forks, ``job`` is what
the child does, ``alone`` does the same where no server can serve.
"""
