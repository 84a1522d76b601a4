# SPDX-License-Identifier: Apache-2.0
"""The fork server: it imports torch and other slow packages once per run and forks a child for each job.

``launch.start`` starts it with a run, ``client.py`` passes a job to it, ``server`` forks, ``job`` is the
child's code, and ``alone`` runs a job without a server.
"""
