"""Plays QEMU: what it reads at a tap comes out of a device in another namespace, and back: python3 tap-guest.py TAP NAMESPACE DEVICE."""
import ctypes, fcntl, os, select, struct, sys

tap, namespace, device = sys.argv[1:]


def opened(name):
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, 0x400454CA, struct.pack("16sH", name.encode(), 0x1002))  # IFF_TAP | IFF_NO_PI
    return file


ends = [opened(tap)]
if ctypes.CDLL(None, use_errno=True).setns(os.open("/run/netns/" + namespace, os.O_RDONLY), 0) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
ends.append(opened(device))
print("ready", flush=True)
while True:
    for end in select.select(ends, [], [])[0]:
        try:
            os.write(ends[1 - ends.index(end)], os.read(end, 70000))
        except OSError:  # the other device is not up yet
            pass
