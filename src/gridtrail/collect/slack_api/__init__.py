"""The Audit Logs API of Slack, and of whatever speaks it, into the lake.

The protocol is free of input and output: `planning` says which seconds to read, `reading` which
call comes next, `answers` what an answer means, `pacing` how wide and how fast. Around it stand
`calling` (HTTP), `storing` (the lake) and `collector` (what runs).
"""
