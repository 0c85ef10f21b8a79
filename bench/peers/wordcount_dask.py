"""Counts the words of a file with a Dask bag on the cluster at the address; prints one JSON object."""

import json
import os
import re
import sys
import time
from collections import Counter

import dask.bag
from distributed import Client

word = re.compile(rb"[A-Za-z]+")


def is_letter(byte):
    return byte.isalpha() and byte.isascii()


def cuts(path, parts):
    """Offsets that cut the file into parts, each moved on to the next byte that is no letter."""
    size = os.path.getsize(path)
    offsets = [0]
    with open(path, "rb") as file:
        for part in range(1, parts):
            file.seek(max(size * part // parts, offsets[-1]))
            while is_letter(file.read(1)):
                pass
            offsets.append(min(file.tell(), size))
    return list(zip(offsets, offsets[1:] + [size]))


def count(path, start, end):
    with open(path, "rb") as file:
        file.seek(start)
        return Counter(word.findall(file.read(end - start)))


def add(left, right):
    """Into a new one, as Dask may hand the same value to several tasks."""
    total = Counter(left)
    total.update(right)
    return total


address, path = sys.argv[1:]
with Client(address) as client:
    client.wait_for_workers(2, timeout=30)
    start = time.perf_counter()
    parts = dask.bag.from_sequence(cuts(path, 8), npartitions=8)
    total = parts.map(lambda part: count(path, *part)).fold(add, initial=Counter()).compute()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "words": sum(total.values()), "distinct": len(total)}))
