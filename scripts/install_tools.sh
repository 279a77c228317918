#!/bin/sh
# Installs the Debian packages that edgeprune's demo and tests use, as far as this machine allows:
# cross compilers, emulators, and Python's own venv module. Missing ones are named; nothing fails
# for the lack of one but what needs it.
#
#     sh scripts/install_tools.sh [PYTHON]
set -u
python=${1:-python3}

# program | Debian package
programs="
arm-none-eabi-gcc    gcc-arm-none-eabi
qemu-system-arm      qemu-system-arm
qemu-system-riscv32  qemu-system-misc
qemu-system-avr      qemu-system-misc
riscv64-unknown-elf-gcc gcc-riscv64-unknown-elf
avr-gcc              gcc-avr
aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
qemu-aarch64         qemu-user
clang                clang
g++                  g++
cmake                cmake
cppcheck             cppcheck
make                 make
kotlinc              kotlin
chromium             chromium
aapt2                aapt
"
# file of a library | Debian package
libraries="
/usr/lib/arm-none-eabi/newlib/nano.specs          libnewlib-arm-none-eabi
/usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs picolibc-riscv64-unknown-elf
/usr/aarch64-linux-gnu/lib/libc.a                 libc6-dev-arm64-cross
/usr/lib/avr/include/avr/io.h                     avr-libc
/usr/share/arduino/hardware/arduino/avr/boards.txt arduino-core-avr
/usr/share/android-framework-res/framework-res.apk android-framework-res
"

missing() {
    echo "$programs" | while read -r program package; do
        [ -z "$program" ] || command -v "$program" >/dev/null 2>&1 || echo "$package"
    done
    echo "$libraries" | while read -r file package; do
        [ -z "$file" ] || [ -e "$file" ] || echo "$package"
    done
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

packages=$(missing | sort -u | tr '\n' ' ')
[ -n "$packages" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    why="this is no Debian or Ubuntu"
elif [ "$(id -u)" = 0 ]; then
    why="" as_root="env"
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    why="" as_root="sudo -n"
else
    why="neither root nor sudo without a password"
fi

if [ -z "$why" ]; then
    echo "installing $packages"
    log=$(mktemp)
    get="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"
    # One at a time where all together fail: an older release may lack one of them.
    # shellcheck disable=SC2086
    if ! { $get update && $get install --yes --no-install-recommends $packages; } >"$log" 2>&1; then
        for package in $packages; do
            $get install --yes --no-install-recommends "$package" >>"$log" 2>&1
        done
    fi
    packages=$(missing | sort -u | tr '\n' ' ')
    [ -z "$packages" ] || { why="apt-get could not install them"; tail -n 3 "$log" >&2; }
    rm -f "$log"
fi

if [ -n "$packages" ]; then
    echo "going on without these packages ($why): $packages" >&2
    echo "  hint: apt-get install $packages" >&2
fi
exit 0
