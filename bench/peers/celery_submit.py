"""Submits the bulk, then single tasks, for each run; prints one JSON array of runs."""

import json
import sys
import time

from celery import group

from celery_tasks import application, noop


def bulk(count):
    start = time.perf_counter()
    with application.producer_or_acquire() as producer:
        result = group(noop.s() for _ in range(count)).apply_async(producer=producer, add_to_parent=False)
    values = result.join_native(timeout=120)
    assert len(values) == count
    return (time.perf_counter() - start) * 1000


def one_at_a_time(count):
    latencies, starts = [], []
    for _ in range(count):
        submitted = time.time() * 1000
        started = noop.delay().get(timeout=60)
        latencies.append(time.time() * 1000 - submitted)
        starts.append(started - submitted)
    return latencies, starts


def once(bulk_count, single_count):
    bulk_ms = bulk(bulk_count)
    latencies, starts = one_at_a_time(single_count)
    return {"bulkMs": bulk_ms, "latenciesMs": latencies, "startsMs": starts}


bulk_count, single_count, runs = map(int, sys.argv[1:])
once(min(bulk_count, 100), 10)
print(json.dumps([once(bulk_count, single_count) for _ in range(runs)]))
