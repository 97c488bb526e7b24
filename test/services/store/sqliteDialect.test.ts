import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SqliteThreadClient } from '../../../services/store/sqliteDialect.ts';

describe('SqliteThreadClient', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notarium test '));
    path = join(folder, 'some.sqlite');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const messageOf = (error: Error): string => error.message;

  it('does the orders of one turn in their order, and fails the bad one alone', async () => {
    const thread = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 1024 });
    const query = (sql: string) => thread.order({ op: 'query', sql, parameters: [] });
    const ids = new Float64Array([7, 8, 9]);
    const orders = [
      query('create table one (id integer primary key)'),
      thread.order({ op: 'many', sql: 'insert into one values (?)', count: 3, columns: [ids] }, [ids.buffer]),
      query('no sql at all').catch(messageOf),
      query('select sum(id) as sum from one'),
    ];
    const answers = await Promise.all(orders);
    expect(answers[1]).to.include({ changes: 3 });
    expect(answers[2]).to.match(/syntax error/);
    expect(answers[3]).to.deep.include({ rows: [{ sum: 24 }] });
    await thread.close();
  });

  it('fails what cannot cross to the thread, and goes on', async () => {
    const thread = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 1024 });
    const parameters = [() => 1] as unknown as number[];
    const bad = await thread.order({ op: 'query', sql: 'select ?', parameters }).catch(messageOf);
    expect(bad).to.match(/could not be cloned/);
    expect((await thread.order({ op: 'query', sql: 'select 1 as one', parameters: [] })).rows).to.deep.equal([
      { one: 1 },
    ]);
    await thread.close();
  });

  it('ends after what was ordered before, whatever comes in the same turn after that', async () => {
    const thread = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 1024 });
    const query = () => thread.order({ op: 'query', sql: 'select 1 as one', parameters: [] });
    const before = query();
    const ends = [thread.close(), thread.close()];
    const late = query().catch(messageOf);
    expect((await before).rows).to.deep.equal([{ one: 1 }]);
    expect(await late).to.equal('the database is closed');
    await Promise.all(ends);
    await thread.close();
  });

  it('is closed without a thread where nobody has asked it anything', async () => {
    const thread = new SqliteThreadClient({ path, readOnly: false, cacheKiB: 1024 });
    await thread.close();
    const late = await thread.order({ op: 'query', sql: 'select 1', parameters: [] }).catch(messageOf);
    expect(late).to.equal('the database is closed');
  });
});
