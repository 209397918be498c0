"""Files as data: reading them runs nothing that they hold, leads nowhere else and fills no memory.

``document`` reads and writes JSON, ``temporary`` replaces files whole and sweeps what dead writers left, ``place``
keeps names from a file inside their folder, ``text`` makes what a file says fit for a terminal. Arrays are read by
``theory.npz``.
"""
