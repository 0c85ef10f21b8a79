"""Submits the bulk, then single tasks, for each run; prints one JSON array of runs."""

import json
import sys
import time

from distributed import Client


def noop(_):
    return time.time() * 1000


def bulk(client, count):
    start = time.perf_counter()
    # Results straight from the workers, rather than through the scheduler.
    values = client.gather(client.map(noop, range(count), pure=False, batch_size=500), direct=True)
    assert len(values) == count
    return (time.perf_counter() - start) * 1000


def one_at_a_time(client, count):
    latencies, starts = [], []
    for index in range(count):
        submitted = time.time() * 1000
        started = client.submit(noop, index, pure=False).result()
        latencies.append(time.time() * 1000 - submitted)
        starts.append(started - submitted)
    return latencies, starts


def once(client, bulk_count, single_count):
    bulk_ms = bulk(client, bulk_count)
    latencies, starts = one_at_a_time(client, single_count)
    return {"bulkMs": bulk_ms, "latenciesMs": latencies, "startsMs": starts}


address, bulk_count, single_count, runs = sys.argv[1], *map(int, sys.argv[2:])
with Client(address, set_as_default=False) as client:
    client.wait_for_workers(1, timeout=30)
    once(client, min(bulk_count, 100), 10)
    print(json.dumps([once(client, bulk_count, single_count) for _ in range(runs)]))
