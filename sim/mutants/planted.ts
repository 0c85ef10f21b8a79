/** A bug that someone could have made: one place of the product, said otherwise. */
export interface Mutant {
  name: string;
  file: string;
  /** Occurs exactly once in the file; else the mutant has to be written anew. */
  search: string;
  replace: string;
  /** Where the hunt begins, for a bug that few seeds find; the first one when undefined. */
  seed?: number;
}

export const planted: readonly Mutant[] = [
  {
    name: "a commit is told before it is on disk",
    file: "src/space/space.ts",
    search: "return { value, durable: this.durable() };",
    replace: "return { value, durable: Promise.resolve() };",
  },
  {
    name: "what is being written counts as written",
    file: "src/space/space.ts",
    search: "return this.#writingDurable.promise;",
    replace: "return Promise.resolve();",
    seed: 13,
  },
  {
    name: "a full disk forgets what it could not take",
    file: "src/space/space.ts",
    search: "this.#pending = [...batch.changes, ...this.#pending];",
    replace: "this.#pending = [...this.#pending];",
  },
  {
    name: "a failed fsync is tried again",
    file: "src/space/space.ts",
    search: `if (!(thrown instanceof CanopyError && thrown.code === "no-space")) {`,
    replace: `if (thrown instanceof Deposed) {`,
  },
  {
    name: "the fence of a report is not looked at",
    file: "src/scheduler/board.ts",
    search:
      "const lease = first?.fence === fence ? first : first?.twin;\n    return lease?.fence === fence && lease.machine === machine ? lease : undefined;",
    replace: "return first;",
  },
  {
    name: "fences begin anew with each start",
    file: "src/scheduler/board.ts",
    search: "this.epochFence = this.space.epoch * fencesInEpoch;",
    replace: "this.epochFence = fencesInEpoch;",
  },
  {
    name: "a lease that is over is adopted",
    file: "src/scheduler/adopt.ts",
    search:
      "if (fence <= (status.fence ?? 0) || fence <= (step.givenBack.get(index) ?? 0)) return undefined;",
    replace: "",
  },
  {
    name: "of two claims on a task the older one wins",
    file: "src/scheduler/adopt.ts",
    search: "if (rivals.some((rival) => rival.fence >= fence)) return undefined;",
    replace: "if (rivals.some((rival) => rival.fence <= fence)) return undefined;",
  },
  {
    name: "leases that a machine has forgotten stay",
    file: "src/scheduler/adopt.ts",
    search: "return [...machine.leases].filter((lease) => !held.has(lease) && !lease.isEnding);",
    replace: "return [];",
    seed: 10,
  },
  {
    name: "what waits behind a stuck task is not put back",
    file: "src/scheduler/open-session.ts",
    search: "      board.revoke(lease);\n      board.giveBack(lease);",
    replace: "      board.revoke(lease);",
    seed: 7,
  },
  {
    name: "a lost attempt leaves its fence open",
    file: "src/scheduler/ending.ts",
    search: "    fence,\n    ...(attempts && { attempts }),\n",
    replace: "    ...(attempts && { attempts }),\n",
  },
  {
    name: "failed attempts are forgotten when a machine is lost",
    file: "src/scheduler/ending.ts",
    search: "    fence,\n    ...(attempts && { attempts }),\n",
    replace: "    fence,\n",
  },
  {
    name: "a task is tried once too often",
    file: "src/scheduler/ending.ts",
    search: "if (attempts.length > retriesOf(template)) {",
    replace: "if (attempts.length > retriesOf(template) + 1) {",
  },
  {
    name: "only the first of the resting tasks wakes",
    file: "src/scheduler/retry.ts",
    search: "      this.#onAwake(step, index);\n    }\n    this.#arm();",
    replace: "      this.#onAwake(step, index);\n    }",
  },
  {
    name: "leases run by the wall clock",
    file: "src/scheduler/open-session.ts",
    search: "this.#state.leasesUntilMs = clock.monotonicMs() + limits.leaseMs;",
    replace: "this.#state.leasesUntilMs = clock.now() + limits.leaseMs;",
  },
  {
    name: "a report is acknowledged before it is on disk",
    file: "src/scheduler/open-session.ts",
    search: "await durable;",
    replace: "void durable;",
  },
  {
    name: "tasks are handed out before they are on disk",
    file: "src/scheduler/scheduler.ts",
    search: "space.onApplied((changes) => this.#intake.applied(changes)),",
    replace:
      "space.onApplied((changes) => (this.#intake.applied(changes), this.#intake.durable({ changes, sequence: 0, serial: 0 }))),",
  },
  {
    name: "a task that is under way is handed out again",
    file: "src/scheduler/hand-out.ts",
    search: "if (!task || leases.has(index)) {",
    replace: "if (!task) {",
  },
  {
    name: "the slower of two attempts is not ended",
    file: "src/scheduler/finish.ts",
    search: "if (twin && !report.error) board.revoke(twin);",
    replace: "",
  },
  {
    name: "an attempt that another outlived leaves its fence open",
    file: "src/scheduler/ending.ts",
    search: "(copy.fence === over ? { ...copy, isOver: true } : copy)",
    replace: "copy",
  },
  {
    name: "an idempotency key is not kept",
    file: "src/api/once.ts",
    search: 'for (const stale of old) if (stale !== name) tx.delete("request", stale);',
    replace: "if (action !== undefined) return answer;",
  },
  {
    name: "an append that is repeated adds its tasks again",
    file: "src/jobs/submit.ts",
    search: "const fresh = inputs.slice(offered - from);",
    replace: "const fresh = inputs.slice(0);",
  },
  {
    name: "a step ends before its last task",
    file: "src/jobs/advance.ts",
    search: "const isDone = status.closed && unfinishedTasks(step) === 0;",
    replace: "const isDone = status.closed && unfinishedTasks(step) <= 1;",
  },
  {
    name: "a step begins before the one that it comes after",
    file: "src/jobs/advance.ts",
    search: "if (index.isFree(name) && around.missing(step) === 0) beginStep(tx, step, around);",
    replace: "if (around.missing(step) === 0) beginStep(tx, step, around);",
  },
  {
    name: "a job ends before its steps",
    file: "src/jobs/advance.ts",
    search: "if (!job || hasJobEnded(job) || job.status.open || index.unended > 0) return;",
    replace: "if (!job || hasJobEnded(job) || job.status.open || index.unended > 1) return;",
  },
  {
    name: "tasks of a job that is tried again stay away",
    file: "src/jobs/reopen.ts",
    search: `for (const phase of ["failed", "cancelled"]) {`,
    replace: `for (const phase of ["failed"]) {`,
  },
  {
    name: "the agent forgets reports that were not acknowledged",
    file: "src/agent/agent.ts",
    search: "for (const message of this.#reports.unacknowledged()) this.#connection.send(message);",
    replace: "",
    seed: 15,
  },
  {
    name: "leases never run out",
    file: "src/scheduler/reaper.ts",
    search: "if (machine.leases.length > 0) this.#expire(machine);",
    replace: "",
    seed: 42,
  },
  {
    name: "a follower skips a batch now and then",
    file: "src/space/space.ts",
    search: "this.#fold(batch.changes);\n    this.#sequence = batch.sequence;",
    replace:
      "if (batch.sequence % 20 > 0) this.#fold(batch.changes);\n    this.#sequence = batch.sequence;",
  },
  {
    name: "a new leader keeps the epoch of the old one",
    file: "src/space/space.ts",
    search: 'this.#state = "idle";\n    this.#epoch = epoch;',
    replace: 'this.#state = "idle";',
  },
  {
    name: "a new leader does not read to the end",
    file: "src/space/leadership.ts",
    search: 'await space.advance();\n    if (this.#phase !== "reading") return;',
    replace: "",
    seed: 164,
  },
  {
    name: "a leader is sure for as long as nobody has told it otherwise",
    file: "src/space/leadership.ts",
    search:
      'return this.#phase === "leading" && this.#parts.clock.monotonicMs() - this.#heardMs < sureMs;',
    replace: 'return this.#phase === "leading";',
  },
  {
    name: "a follower answers without a look into the log",
    file: "src/api/standing.ts",
    search: "return (await within(clock, limits.catchUpMs, hasCaughtUp(standing))) === true;",
    replace: "return true;",
  },
  {
    name: "what may have been done is handed on once more",
    file: "src/api/to-leader.ts",
    search: 'if (outcome === "unanswered" && !(mayRepeat && isWhole)) throw unanswered();',
    replace: "",
  },
  {
    name: "a loop wakes itself without rest",
    file: "src/base/loop.ts",
    search: "if (again) wake();",
    replace: "wake();",
  },
  {
    name: "a share that has nothing is asked for ever",
    file: "src/scheduler/take.ts",
    search: "shares.shift();",
    replace: "",
  },
  {
    name: "a record is changed in place",
    file: "src/jobs/end.ts",
    search:
      "tx.put({ ...ended, status: { ...ended.status, cancelled: ended.status.cancelled + more } });",
    replace:
      "tx.put({ ...ended, status: Object.assign(ended.status, { cancelled: ended.status.cancelled + more }) });",
  },
  {
    name: "what has happened to a ready task is not written",
    file: "src/space/codec.ts",
    search: "status === readyStatus ? 0 : status,\n  ]);",
    replace: 'kind === "task" && status.phase === "ready" ? 0 : status,\n  ]);',
  },
  {
    name: "a task is read with its input in place of its result",
    file: "src/api/views/tasks.ts",
    search: "    result,\n    resultBlob,\n    outputs",
    replace: "    result: input,\n    resultBlob,\n    outputs",
  },
];
