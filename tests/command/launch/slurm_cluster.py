"""A SLURM of one machine for as long as a test lasts: its own daemons, ports and folder, beside any other SLURM."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "sinfo")

CONF = """
ClusterName=landscape
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=small Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why this machine cannot have one, or nothing."""
    missing = [name for name in PROGRAMS if _found(name) is None]
    if missing:
        return f"no {', '.join(missing)} here (Debian: apt-get install slurm-wlm)"
    return "" if os.getuid() == 0 else "slurmd runs jobs only as root"


@contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """The environment in which ``sbatch`` finds the cluster.

    Raises:
        RuntimeError: it did not come up; the message has what its daemons said.
    """
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        folder = Path(name)
        for part in ("state", "spool"):
            (folder / part).mkdir()
        controller, node = _free_ports()
        host = socket.gethostname().split(".")[0]
        conf = folder / "slurm.conf"
        conf.write_text(CONF.format(host=host, folder=folder, controller=controller, node=node))
        environment = os.environ | {"SLURM_CONF": str(conf)}
        daemons = [_daemon(folder, environment, "slurmctld", "-D", "-c"), _daemon(folder, environment, "slurmd", "-D")]
        try:
            _wait_until_idle(folder, environment, daemons)
            yield environment
        finally:
            for daemon in reversed(daemons):
                daemon.terminate()
            for daemon in daemons:
                daemon.wait(30)


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as a, socket.socket() as b:
        for one in (a, b):
            one.bind(("127.0.0.1", 0))
        return a.getsockname()[1], b.getsockname()[1]


def _daemon(folder: Path, environment: dict[str, str], name: str, *options: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.txt").open("wb") as said:
        return subprocess.Popen([_found(name) or name, *options], env=environment, stdout=said, stderr=said)


def _wait_until_idle(folder: Path, environment: dict[str, str], daemons: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and all(daemon.poll() is None for daemon in daemons):
        command = ["sinfo", "--noheader", "--format=%T"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    raise RuntimeError("\n".join(file.read_text()[-2000:] for file in folder.glob("*.txt")))
