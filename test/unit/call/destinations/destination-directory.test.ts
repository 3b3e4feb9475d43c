import assert from 'node:assert/strict';
import {
  DestinationDirectory,
  type Resolution,
} from '../../../../src/call/destinations/destination-directory.js';
import { isOpen } from '../../../../src/call/destinations/opening-hours.js';
import type { AllowedTarget, Destination, GroupDestination } from '../../../../src/call/project.js';
import { DESTINATIONS, makePlan, makeProject, makeTrunk } from '../../../support/call/call-plan.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

function group(name: string, more: Partial<GroupDestination>): GroupDestination {
  return {
    name,
    ringTimeoutMs: null,
    type: 'group',
    strategy: 'sequential',
    members: [],
    hours: null,
    maxConcurrent: null,
    overflow: [],
    ...more,
  };
}

function directory(groups: readonly Destination[] = [], allow: readonly AllowedTarget[] = []) {
  const project = makeProject({}, { allow });
  const destinations = { ...DESTINATIONS, ...Object.fromEntries(groups.map((one) => [one.name, one])) };
  const clock = new VirtualClock();
  const trunks = {
    carrier: makeTrunk({ numberFormat: 'e164-without-plus', auth: { username: 'u', password: 'p' } }),
    pbx: makeTrunk({ name: 'pbx', hosts: ['sip:10.0.0.7:5080;transport=tcp'], codecs: ['PCMU'] }),
  };
  const made = new DestinationDirectory(makePlan(project, { destinations, trunks }), clock);
  return { made, clock, resolve: (to: string | null) => made.resolve(to, project, clock.wallMs()) };
}
const names = (resolution: Resolution): string[] =>
  resolution.ok ? resolution.targets.map((one) => one.destination) : [resolution.code];

describe('the destination directory', () => {
  it('writes a number for its trunk, with credentials, codecs and the hosts in failover order', () => {
    const resolution = directory().resolve('front');
    assert.ok(resolution.ok);
    const [target] = resolution.targets;
    assert.equal(target?.uri, 'sip:5491155550100@sbc1.example.net');
    assert.deepEqual(target.proxies, ['sip:sbc1.example.net', 'sip:sbc2.example.net']);
    assert.deepEqual(target.auth, { username: 'u', password: 'p' });
    const desk = directory().resolve('desk');
    assert.equal(desk.ok && desk.targets[0]?.uri, 'sip:201@10.0.0.7:5080;transport=tcp');
  });

  it('finds a destination by name, by sip:NAME@anything, by its number and by default', () => {
    const { resolve } = directory();
    for (const asked of ['desk', 'sip:desk@anything', '201', 'sip:201@pbx', null]) {
      assert.deepEqual(names(resolve(asked)), ['desk'], String(asked));
    }
    assert.deepEqual(names(resolve('tel:+5491155550100')), ['front']);
  });

  const allow = [
    { to: 'sip:*@10.0.0.0/8', trunk: 'pbx' },
    { to: '+549*', trunk: 'carrier' },
  ];
  for (const [asked, allowed] of [
    ['sip:300@10.1.2.3', true],
    ['sip:300@10.1.2.3:5090;transport=tcp', true],
    ['sip:300@11.1.2.3', false],
    ['sip:300@10.evil.example', false],
    ['sip:300@evil.example@10.0.0.1', false],
    ['+5491199990000', true],
    ['+15551234', false],
    ['sip:300@10.1.2.3?Replaces=x', false],
    ['sip:300@10.1.2.3\r\nVia: x', false],
    ['<sip:300@10.1.2.3>', false],
    ['', false],
  ] as const) {
    it(`${allowed ? 'admits' : 'refuses'} the free target ${JSON.stringify(asked)}`, () => {
      const project = makeProject({}, { allow, to: null });
      const resolution = directory([], allow).made.resolve(asked, project, 0);
      assert.equal(resolution.ok, allowed);
    });
  }

  it('refuses every free target where no pattern is configured', () => {
    assert.deepEqual(names(directory().resolve('+5491199990000')), ['not_allowed']);
  });

  it('takes members in turn: round-robin', () => {
    const { resolve } = directory([
      group('support', { strategy: 'round-robin', members: ['desk', 'second'] }),
    ]);
    assert.deepEqual(names(resolve('support')), ['desk', 'second']);
    assert.deepEqual(names(resolve('support')), ['second', 'desk']);
    assert.deepEqual(names(resolve('support')), ['desk', 'second']);
  });

  it('takes the one who was free longest: least-recent', () => {
    const { resolve, made, clock } = directory([
      group('support', { strategy: 'least-recent', members: ['desk', 'second'] }),
    ]);
    made.began('desk');
    clock.advance(1_000);
    made.ended('desk');
    assert.deepEqual(names(resolve('support')), ['second', 'desk']);
    clock.advance(1_000);
    made.began('second');
    made.ended('second');
    assert.deepEqual(names(resolve('support')), ['desk', 'second']);
  });

  it('overflows a full or closed group, and ends where the chain goes in circles', () => {
    const full = directory([group('support', { members: ['desk'], maxConcurrent: 1, overflow: ['front'] })]);
    full.made.began('support');
    assert.deepEqual(names(full.resolve('support')), ['front']);
    full.made.ended('support');
    assert.deepEqual(names(full.resolve('support')), ['desk', 'front']);
    const hours = { timezone: 'UTC', open: [] };
    const closed = directory([group('support', { members: ['desk'], hours })]);
    const resolution = closed.resolve('support');
    assert.ok(!resolution.ok && resolution.code === 'unavailable' && resolution.detail.includes('closed'));
    const circle = directory([
      group('a', { members: ['b'], overflow: ['b'] }),
      group('b', { members: ['desk'], overflow: ['a'] }),
    ]);
    assert.deepEqual(names(circle.resolve('a')), ['desk']);
  });

  it('marks members that ring together', () => {
    const resolution = directory([
      group('all', { strategy: 'simultaneous', members: ['desk', 'second'] }),
    ]).resolve('all');
    assert.deepEqual(resolution.ok && resolution.targets.map((one) => one.together), ['all', 'all']);
  });
});

describe('opening hours', () => {
  // Unix ms of 2026-01-01 (a Thursday) 00:00 UTC.
  const midnight = 1_767_225_600_000;
  const hour = 3_600_000;
  const bogota = { timezone: 'America/Bogota', open: ['mon-fri 08:00-18:00'] };
  for (const [utcHour, open] of [
    [12, false],
    [13, true],
    [22, true],
    [23, false],
  ] as const) {
    it(`a desk in Bogota is ${open ? 'open' : 'closed'} at ${utcHour}:00 UTC`, () => {
      assert.equal(isOpen(bogota, midnight + utcHour * hour), open);
    });
  }
  it('is closed at the weekend, and a span may run past midnight', () => {
    assert.equal(isOpen(bogota, midnight + 2 * 24 * hour + 15 * hour), false);
    const night = { timezone: 'UTC', open: ['thu 22:00-02:00'] };
    assert.equal(isOpen(night, midnight + 23 * hour), true);
    assert.equal(isOpen(night, midnight + 25 * hour), true);
    assert.equal(isOpen(night, midnight + 27 * hour), false);
  });
  it('summer time counts', () => {
    const london = { timezone: 'Europe/London', open: ['09:00-17:00'] };
    const july = midnight + 181 * 24 * hour;
    assert.equal(isOpen(london, july + 8 * hour), true);
    assert.equal(isOpen(london, midnight + 8 * hour), false);
  });
  it('an unknown zone counts as closed', () => {
    assert.equal(isOpen({ timezone: 'Mars/Base', open: ['00:00-24:00'] }, midnight), false);
  });
});
