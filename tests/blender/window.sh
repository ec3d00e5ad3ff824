#!/bin/bash
# window.sh CHROOT OUT [SCRIPT]: installs the extension in a real windowed Blender, drives it with a mouse and a keyboard, leaves pictures in OUT.
# SCRIPT: beside this file; drive.py, which tries everything, or portrait.py, which makes the picture of the README.
# CHROOT: a folder of make-chroot.sh. Needs root. Exit 0 when every step in OUT/report.txt went well.
# WALA_WORKER=PYTHON (one that has PyTorch) uses the real engine and model; else the engine is one without a model.
# WALA_BIND=FOLDER:FOLDER makes folders of this machine visible at the same place inside, such as the one that Python is in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
chroot=$(cd "${1:?a folder of make-chroot.sh}" && pwd)
mkdir -p "${2:?a folder for the pictures}"
out=$(cd "$2" && pwd)
export script=${3:-drive.py}
rm -f "$out"/*.png "$out"/report.txt "$out"/*.log

inside=$(cat <<'SCRIPT'
set -euo pipefail
export HOME=/lab/home BLENDER_USER_RESOURCES=/lab/home/blender XDG_RUNTIME_DIR=/tmp/xdg LANG=C.UTF-8 LIBGL_ALWAYS_SOFTWARE=1 DISPLAY=:71
rm -rf /lab/home/blender /tmp/package
mkdir -p "$HOME" /tmp/package /tmp/.X11-unix && mkdir -p -m 700 "$XDG_RUNTIME_DIR"
rm -f /tmp/.X71-lock /tmp/.X11-unix/X71
blender --command extension validate /lab/source
blender --command extension build --source-dir /lab/source --output-dir /tmp/package
blender --command extension install-file -r user_default --enable /tmp/package/wala-*.zip
Xvfb :71 -screen 0 1280x800x24 +extension GLX +render -noreset -nolisten tcp > /lab/out/xvfb.log 2>&1 &
sleep 1
status=0
timeout 1800 blender --factory-startup --window-geometry 0 0 1280 800 --python-exit-code 1 --python "/lab/source/tests/blender/$script" \
  > /lab/out/blender.log 2>&1 || status=$?
sleep 2
if pgrep -f "[r]untime.worker" > /dev/null; then echo "FAILED a worker outlived Blender" >> /lab/out/report.txt; status=1; fi
if grep -q "^Traceback" /lab/out/blender.log; then echo "FAILED blender.log has an error" >> /lab/out/report.txt; fi
grep -q "^FAILED" /lab/out/report.txt && status=1
grep -q "^finished" /lab/out/report.txt || status=1
exit $status
SCRIPT
)
# A mount and a process namespace of its own: nothing stays mounted or running afterwards, whatever happens inside.
export chroot root out inside WALA_WORKER=${WALA_WORKER:-} WALA_BIND=${WALA_BIND:-}
status=0
unshare --mount --pid --fork --kill-child bash -c '
  set -e
  mount --make-rprivate /
  mkdir -p "$chroot/lab/source" "$chroot/lab/out"
  mount --bind "$root" "$chroot/lab/source"
  mount -o remount,bind,ro "$chroot/lab/source"
  mount --bind "$out" "$chroot/lab/out"
  IFS=: read -ra folders <<< "$WALA_BIND"
  for folder in "${folders[@]}"; do
    mkdir -p "$chroot$folder"
    mount --bind "$folder" "$chroot$folder"
    mount -o remount,bind,ro "$chroot$folder"
  done
  mount -t proc proc "$chroot/proc"
  exec chroot "$chroot" /bin/bash -c "$inside"
' || status=$?
cat "$out/report.txt" 2> /dev/null || tail -20 "$out/blender.log"
exit $status
