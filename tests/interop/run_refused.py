# SPDX-License-Identifier: Apache-2.0
"""Runs a program where user namespaces are refused (ENOSPC): run_refused.py COMMAND...

The limit is set in a user namespace of our own, so nobody else feels it. Afterwards the user has the rights of
any user: its id is its own, and exec takes the capabilities away.
"""
import ctypes
import os
import sys

CLONE_NEWUSER = 0x10000000


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


uid, gid = os.getuid(), os.getgid()
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
    sys.exit(f"cannot make a user namespace to refuse more in: {os.strerror(ctypes.get_errno())}")
write("/proc/self/setgroups", "deny")
write("/proc/self/uid_map", f"{uid} {uid} 1")
write("/proc/self/gid_map", f"{gid} {gid} 1")
write("/proc/sys/user/max_user_namespaces", "0")
os.execvp(sys.argv[1], sys.argv[1:])
