import assert from 'node:assert/strict';
import { RouteTable } from '../../../../src/engine/control/route-table.js';

describe('routing of verbs to applications', () => {
  it('deals a verb round robin among the applications that asked for it', () => {
    const routes = new RouteTable<string>();
    routes.add('invite', 'a');
    routes.add('invite', 'b');
    assert.deepEqual([routes.pick('invite'), routes.pick('invite'), routes.pick('invite')], ['a', 'b', 'a']);
  });

  it('gives no application a double share for asking twice', () => {
    const routes = new RouteTable<string>();
    routes.add('invite', 'a');
    routes.add('invite', 'a');
    routes.add('invite', 'b');
    assert.deepEqual([routes.pick('invite'), routes.pick('invite'), routes.pick('invite')], ['a', 'b', 'a']);
  });

  it('removes one verb of one application and nothing else', () => {
    const routes = new RouteTable<string>();
    routes.add('invite', 'a');
    routes.add('options', 'a');
    routes.add('invite', 'b');
    routes.remove('invite', 'a');
    assert.equal(routes.pick('invite'), 'b');
    assert.equal(routes.pick('options'), 'a');
  });

  it('narrows the choice and keeps the turns', () => {
    const routes = new RouteTable<string>();
    for (const client of ['a1', 'b', 'a2']) routes.add('invite', client);
    const isA = (client: string): boolean => client.startsWith('a');
    assert.deepEqual(
      [1, 2, 3].map(() => routes.pick('invite', isA)),
      ['a1', 'a2', 'a1'],
    );
    assert.equal(
      routes.pick('invite', (client) => client === 'c'),
      undefined,
    );
  });

  it('forgets an application that has gone, and answers undefined when nobody is left', () => {
    const routes = new RouteTable<string>();
    routes.add('invite', 'a');
    routes.removeClient('a');
    assert.equal(routes.pick('invite'), undefined);
  });
});
