"""Asks by ARP where the first address of its subnet is, as one address after the other: python3 arp-claims.py DEVICE GATEWAY ADDRESS..."""
import socket, sys

device, gateway, *claimed = sys.argv[1:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((device, 0x0806))
own = wire.getsockname()[4]
head = b"\xff" * 6 + own + b"\x08\x06" + b"\0\x01\x08\0\x06\x04\0\x01" + own
for address in claimed:
    for asked in (gateway, address):  # the second is the gratuitous one, by which neighbours are told to think again
        wire.send(head + socket.inet_aton(address) + b"\0" * 6 + socket.inet_aton(asked))
