import { limits } from "#/base/limits.ts";
import { createSchemaSql } from "#/base/node/postgres/database.ts";

/** Grows when the tables or functions change in a way that an older control plane would not understand. */
export const format = "1";

/** An identifier of the address, which holds no quote. */
export const quoted = (name: string) => `"${name}"`;

/** The channel that tells of new batches and leaders. */
export const channelOf = (schema: string) => `${schema}_news`;

/**
 * Tables and functions of a log. `live`, `archive`, `extents` and `changes` hold what they hold in SQLite.
 * `leader` is one row: who may append, under which epoch, from which connection (its `session`), and
 * what the newest batch is. Every append locks and updates it, so appends, takeovers and beats come
 * one after the other, whatever connections they come by.
 *
 * An append is one call of one function: one round trip, one transaction, one sync. What it is given are
 * whole columns; bodies come as one text, a line each, as JSON holds no line break.
 */
export function schemaSql(schema: string): string {
  const s = quoted(schema);
  return `
${createSchemaSql(schema)}
CREATE TABLE ${s}.meta (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE ${s}.leader (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  epoch bigint NOT NULL DEFAULT 0,
  session bigint NOT NULL DEFAULT 0,
  holder text NOT NULL DEFAULT '',
  url text NOT NULL DEFAULT '',
  heard timestamptz NOT NULL DEFAULT clock_timestamp(),
  resigned boolean NOT NULL DEFAULT true,
  sequence bigint NOT NULL DEFAULT 0,
  serial bigint NOT NULL DEFAULT 0,
  live bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 10000);
INSERT INTO ${s}.leader DEFAULT VALUES;
CREATE TABLE ${s}.live (serial bigint PRIMARY KEY, body text NOT NULL);
CREATE TABLE ${s}.archive (
  serial bigint PRIMARY KEY, kind text NOT NULL, name text COLLATE "C", project text NOT NULL, phase text,
  body text NOT NULL
);
CREATE INDEX archive_by_name ON ${s}.archive (kind, name) WHERE name IS NOT NULL;
CREATE INDEX archive_unhappy ON ${s}.archive (serial) WHERE kind = 'task' AND phase <> 'succeeded';
CREATE TABLE ${s}.extents (
  step text COLLATE "C", first bigint, serial bigint NOT NULL, count bigint NOT NULL, PRIMARY KEY (step, first)
);
CREATE TABLE ${s}.changes (
  sequence bigint PRIMARY KEY, epoch bigint NOT NULL, serial bigint NOT NULL, digest uuid NOT NULL,
  ops text NOT NULL, body text COMPRESSION lz4 NOT NULL
);

CREATE FUNCTION ${s}.append(
  my_epoch bigint, my_session bigint, my_sequence bigint, my_serial bigint, my_ops text, my_body text,
  new_serials bigint[], new_bodies text, set_serials bigint[], set_bodies text,
  gone_firsts bigint[], gone_lasts bigint[],
  ended_serials bigint[], ended_kinds text[], ended_names text[], ended_projects text[], ended_phases text[],
  ended_bodies text, back_serials bigint[],
  steps text[], firsts bigint[], first_serials bigint[], counts bigint[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  now_leads ${s}.leader;
  more bigint := 0;
  touched bigint;
BEGIN
  SELECT * INTO STRICT now_leads FROM ${s}.leader WHERE single FOR NO KEY UPDATE;
  IF now_leads.epoch <> my_epoch OR now_leads.resigned THEN RETURN 'deposed'; END IF;
  IF now_leads.session <> my_session THEN RETURN 'stale'; END IF;
  IF now_leads.sequence <> my_sequence - 1 THEN RETURN 'gap'; END IF;
  INSERT INTO ${s}.changes VALUES (my_sequence, my_epoch, my_serial, md5(my_body)::uuid, my_ops, my_body);
  IF new_serials IS NOT NULL THEN
    INSERT INTO ${s}.live
      SELECT * FROM ROWS FROM (unnest(new_serials), string_to_table(new_bodies, E'\\n')) AS t (serial, body);
    GET DIAGNOSTICS touched = ROW_COUNT;
    more := more + touched;
  END IF;
  IF set_serials IS NOT NULL THEN
    WITH written AS (
      INSERT INTO ${s}.live
        SELECT * FROM ROWS FROM (unnest(set_serials), string_to_table(set_bodies, E'\\n')) AS t (serial, body)
        ON CONFLICT (serial) DO UPDATE SET body = excluded.body RETURNING xmax = 0 AS added
    ) SELECT count(*) FILTER (WHERE added) INTO touched FROM written;
    more := more + touched;
  END IF;
  IF gone_firsts IS NOT NULL THEN
    DELETE FROM ${s}.live USING unnest(gone_firsts, gone_lasts) AS t (first, last)
      WHERE live.serial BETWEEN t.first AND t.last;
    GET DIAGNOSTICS touched = ROW_COUNT;
    more := more - touched;
  END IF;
  IF back_serials IS NOT NULL THEN
    DELETE FROM ${s}.archive USING unnest(back_serials) AS t (serial) WHERE archive.serial = t.serial;
  END IF;
  IF ended_serials IS NOT NULL THEN
    BEGIN
      INSERT INTO ${s}.archive
        SELECT * FROM ROWS FROM (
          unnest(ended_serials), unnest(ended_kinds), unnest(ended_names), unnest(ended_projects),
          unnest(ended_phases), string_to_table(ended_bodies, E'\\n')
        ) AS t (serial, kind, name, project, phase, body);
    EXCEPTION WHEN unique_violation THEN
      -- Rare, and looking for it each time would take a third longer: some were archived already.
      INSERT INTO ${s}.archive
        SELECT * FROM ROWS FROM (
          unnest(ended_serials), unnest(ended_kinds), unnest(ended_names), unnest(ended_projects),
          unnest(ended_phases), string_to_table(ended_bodies, E'\\n')
        ) AS t (serial, kind, name, project, phase, body)
        ON CONFLICT (serial) DO UPDATE SET phase = excluded.phase, body = excluded.body;
    END;
  END IF;
  IF steps IS NOT NULL THEN
    INSERT INTO ${s}.extents SELECT * FROM unnest(steps, firsts, first_serials, counts)
      ON CONFLICT (step, first) DO UPDATE SET serial = excluded.serial, count = excluded.count;
  END IF;
  UPDATE ${s}.leader
    SET sequence = my_sequence, serial = my_serial, live = live + more, heard = clock_timestamp()
    WHERE single;
  PERFORM pg_notify('${channelOf(schema)}', '');
  RETURN 'done';
END $$;

CREATE FUNCTION ${s}.lead(my_holder text, my_url text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  taken bigint;
BEGIN
  UPDATE ${s}.leader
    SET epoch = epoch + 1, session = 1, holder = my_holder, url = my_url, resigned = false,
      heard = clock_timestamp()
    WHERE resigned OR holder = my_holder
      -- Two servers' clocks differ, so one heard in the future, before a failover, is silent too.
      OR abs(extract(epoch FROM clock_timestamp() - heard)) * 1000 >= ${limits.leaderSilentMs}
    RETURNING epoch INTO taken;
  IF taken IS NOT NULL THEN PERFORM pg_notify('${channelOf(schema)}', ''); END IF;
  RETURN taken;
END $$;

CREATE FUNCTION ${s}.settle(
  my_epoch bigint, my_sequence bigint,
  OUT leads boolean, OUT my_session bigint, OUT landed boolean, OUT newest bigint, OUT oldest bigint
) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${s}.leader SET session = session + 1, heard = clock_timestamp()
    WHERE epoch = my_epoch AND NOT resigned RETURNING session INTO my_session;
  leads := FOUND;
  landed := EXISTS (SELECT FROM ${s}.changes c WHERE c.sequence = my_sequence AND c.epoch = my_epoch);
  SELECT sequence INTO newest FROM ${s}.leader;
  SELECT min(sequence) INTO oldest FROM ${s}.changes;
END $$;

CREATE FUNCTION ${s}.beat(my_epoch bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  -- Nobody is told of a beat, so it need not be on disk.
  PERFORM set_config('synchronous_commit', 'off', true);
  UPDATE ${s}.leader SET heard = clock_timestamp() WHERE epoch = my_epoch AND NOT resigned;
  RETURN FOUND;
END $$;

CREATE FUNCTION ${s}.resign(my_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${s}.leader SET resigned = true WHERE epoch = my_epoch AND NOT resigned;
  IF FOUND THEN PERFORM pg_notify('${channelOf(schema)}', ''); END IF;
END $$;`;
}

/** Drops all tables and functions of a schema that was empty before. */
export function emptySql(schema: string): string {
  const namespace = `'${quoted(schema)}'::regnamespace`;
  return `
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT oid::regclass FROM pg_class WHERE relnamespace = ${namespace} AND relkind = 'r'
    LOOP EXECUTE 'DROP TABLE ' || one; END LOOP;
  FOR one IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = ${namespace}
    LOOP EXECUTE 'DROP FUNCTION ' || one; END LOOP;
END $$`;
}
