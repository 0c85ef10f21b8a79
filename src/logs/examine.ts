import { limits } from "#/base/limits.ts";

/**
 * Looks whether what is kept of the output of jobs, in a PostgreSQL database, is all that was written:
 * gives how many jobs have some, and a sentence for each where lines are missing, at most `limits.doctorFindingsMax`.
 */
export async function examineOutput(
  query: <Row>(sql: string) => Promise<Row[]>,
  s: string,
): Promise<{ jobs: number; faults: string[] }> {
  const [table] = await query<{ there: boolean }>(
    `SELECT to_regclass('${s}.logs') IS NOT NULL AS there`,
  );
  if (!table!.there) return { jobs: 0, faults: [] };
  const [all] = await query<{ jobs: number }>(`SELECT count(*) AS jobs FROM ${s}.logs`);
  const rows = await query<{ job: string; written: number | null; kept: number }>(
    `WITH texts AS (
       SELECT job, first, length(body) - length(replace(body, E'\\n', '')) AS lines FROM ${s}.log_lines
     ), placed AS (
       SELECT *, sum(lines) OVER (PARTITION BY job ORDER BY first) - lines AS place FROM texts
     ), summed AS (
       SELECT job, sum(lines) AS lines, bool_and(first = place) AS whole FROM placed GROUP BY job
     )
     SELECT job, logs.lines AS written, coalesce(summed.lines, 0) AS kept
       FROM ${s}.logs FULL JOIN summed USING (job)
       WHERE logs.lines IS DISTINCT FROM coalesce(summed.lines, 0) OR NOT whole
       ORDER BY job LIMIT ${limits.doctorFindingsMax}`,
  );
  const faults = rows.map(
    ({ job, written, kept }) =>
      `The output of ${job} must have ${written ?? 0} lines, one after the other: ${kept} are there`,
  );
  return { jobs: all!.jobs, faults };
}
