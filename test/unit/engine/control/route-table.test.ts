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

  it('forgets an application that has gone, and answers undefined when nobody is left', () => {
    const routes = new RouteTable<string>();
    routes.add('invite', 'a');
    routes.removeClient('a');
    assert.equal(routes.pick('invite'), undefined);
  });
});
