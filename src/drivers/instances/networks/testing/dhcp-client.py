"""Asks for an address as a guest behind a tap does, and prints what it is offered: python3 dhcp-client.py TAP MAC."""
import fcntl, os, select, socket, struct, sys

tap, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
device = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", tap.encode(), 0x1002))  # IFF_TAP | IFF_NO_PI


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


options = b"\x63\x82\x53\x63\x35\x01\x01\x37\x06\x01\x03\x06\x0c\x0f\x1a\xff"
dhcp = struct.pack("!BBBBIHH16s16s192s", 1, 1, 6, 0, 7, 0, 0x8000, b"", mac, b"") + options
udp = struct.pack("!HHHH", 68, 67, 8 + len(dhcp), 0) + dhcp
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, b"\0" * 4, b"\xff" * 4)
head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
question = b"\xff" * 6 + mac + b"\x08\x00" + head + udp
# As any client does, it asks again while nobody answers.
asked = 0
while True:
    if not asked or not select.select([device], [], [], 2)[0]:
        if asked == 15:
            break
        asked += 1
        os.write(device, question)
        continue
    frame = os.read(device, 2000)
    if frame[12:14] != b"\x08\x00" or frame[23] != 17 or frame[34:38] != b"\0\x43\0\x44":
        continue
    answer = frame[42:]
    print("address", socket.inet_ntoa(answer[16:20]))
    at = 240
    while at < len(answer) and answer[at] != 255:
        code, size = answer[at], answer[at + 1]
        value = answer[at + 2 : at + 2 + size]
        if code in (1, 3, 6):
            print({1: "mask", 3: "router", 6: "names"}[code], socket.inet_ntoa(value[:4]))
        if code in (12, 15):
            print({12: "host", 15: "domain"}[code], value.decode())
        if code == 26:
            print("mtu", struct.unpack("!H", value)[0])
        at += 2 + size
    break
