"""The application that the Celery worker and the submitter share; the broker's address comes from the environment."""

import os
import time

from celery import Celery

application = Celery("celery_tasks", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
application.conf.update(
    # Acknowledged once done, not once taken, so that a killed worker loses nothing.
    task_acks_late=True,
    # As Celery advises for many short tasks.
    worker_prefetch_multiplier=128,
    worker_send_task_events=False,
    worker_disable_rate_limits=True,
    worker_max_tasks_per_child=None,
    task_create_missing_queues=True,
    broker_pool_limit=4,
    task_compression=None,
    task_serializer="json",
    result_serializer="json",
)


@application.task
def noop():
    return time.time() * 1000
