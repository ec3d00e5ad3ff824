#!/bin/bash
# make-chroot.sh SUITE DIRECTORY: a folder with a windowed Blender in it, for window.sh.
# SUITE: trixie (Blender 4.3) or sid (the newest, 5.2 at the time of writing). Needs root, mmdebstrap, and about 1.2 GB.
set -euo pipefail
suite=${1:?suite: trixie or sid} directory=${2:?the folder to make}
packages=blender,python3-numpy,python3-requests,ca-certificates,xvfb,libgl1-mesa-dri,libgl1,libegl1,xdotool,imagemagick,procps
# Debian's newest package forgets this one, and its extension commands need it.
if [[ $suite == sid ]]; then packages+=,python3-cattr; fi
mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Check-Valid-Until "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook='ln -sf ../proc/self/mounts "$1/etc/mtab"; mkdir -p "$1/lab"' \
  "$suite" "$directory"
