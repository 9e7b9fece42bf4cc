/** Delegation settings: what may be written, and what they say of permits. */
import { describe, expect, it } from '@jest/globals';
import { parseYaml } from '../../src/api/yaml-body.js';
import { PembaError } from '../../src/errors.js';
import {
  compileDelegationSettings,
  delegationSettingsFromWire,
} from '../../src/schema/delegation-settings.js';
import type { DelegationSettings } from '../../src/schema/delegation-settings.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';

const planOf = (dsl: string): ReturnType<typeof compilePlan> =>
  compilePlan(modelFromDsl(`model\n  schema 1.1\n${dsl}`).model);

const PLAN = planOf(`type user
type service
  relations
    define acting_for: [user]
type item
  relations
    define can_reserve: [user]
    define can_refund: [user]
`);

const settings = (value: unknown): DelegationSettings =>
  compileDelegationSettings(PLAN, delegationSettingsFromWire(value) ?? undefined);

function refusalOf(value: unknown, plan = PLAN): string {
  try {
    compileDelegationSettings(plan, delegationSettingsFromWire(value) ?? undefined);
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    expect(error.code).toBe('invalid_delegation_settings');
    expect(error.message.startsWith(`${String(error.facts['field'])}: `)).toBe(true);
    return error.message;
  }
  throw new Error('they were accepted');
}

const ofRelation = (value: unknown, name = 'item#can_reserve'): object => ({
  relations: { [name]: value },
});

describe('delegation settings', () => {
  it('give a permit a minute, unless something else is said of all or of its relation', () => {
    expect(settings({}).lifetimeMs('item', 'can_reserve')).toBe(60_000);
    const own = settings({ lifetime: '2m', ...ofRelation({ lifetime: '30s' }) });
    expect(own.lifetimeMs('item', 'can_refund')).toBe(120_000);
    expect(own.lifetimeMs('item', 'can_reserve')).toBe(30_000);
  });

  it('name the relations that no permit is for', () => {
    const own = settings(ofRelation({ online_only: true }, 'item#can_refund'));
    expect(own.isOnlineOnly('item', 'can_refund')).toBe(true);
    expect(own.isOnlineOnly('item', 'can_reserve')).toBe(false);
    expect(settings(ofRelation({ online_only: false })).isOnlineOnly('item', 'can_reserve')).toBe(
      false,
    );
  });

  it('have tokens for a service named after it, unless other audiences are given', () => {
    const names = ['orders', 'service:orders', 'shop-api', 'service:web', 'web'];
    const named = (own: DelegationSettings, id: string): readonly string[] =>
      names.filter((audience) => own.namesService(audience, id));
    expect(named(settings({}), 'orders')).toEqual(['orders', 'service:orders']);
    const own = settings({ audiences: { orders: ['shop-api'], web: [] } });
    expect(named(own, 'orders')).toEqual(['shop-api']);
    expect(named(own, 'web')).toEqual([]);
    expect(named(settings({}), 'constructor')).toEqual([]);
  });

  it('take names that objects inherit for names', () => {
    const own = settings({ audiences: JSON.parse('{"__proto__": ["shop-api"]}') });
    expect(own.namesService('shop-api', '__proto__')).toBe(true);
    expect(own.namesService('shop-api', 'toString')).toBe(false);
  });

  it('are none when nothing is in them, and kept as they were written', () => {
    for (const nothing of [null, {}, { lifetime: null, relations: null }]) {
      expect(delegationSettingsFromWire(nothing)).toBeNull();
    }
    const written = parseYaml(`lifetime: 60s
audiences: { orders: [shop-api] }
relations:
  item#can_refund: { online_only: true }
  item#can_reserve: { lifetime: 30s }
`);
    expect(delegationSettingsFromWire(written)).toEqual(written);
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(settings({ lifetime: '1s' }))).toBe(true);
  });

  it.each<[string, unknown, RegExp]>([
    ['a text', 'x', /^delegation_settings: must be an object/],
    ['a list', [], /^delegation_settings: must be an object/],
    ['an unknown member', { lifetimes: '1s' }, /has no member 'lifetimes'/],
    ['a number for a duration', { lifetime: 60 }, /^delegation_settings\.lifetime: must be a str/],
    ['no duration', { lifetime: 'soon' }, /\.lifetime: must be a duration/],
    ['no time at all', { lifetime: '0s' }, /from 1s to 300s/],
    ['parts of seconds', { lifetime: '1500ms' }, /whole seconds/],
    ['more than five minutes', { lifetime: '301s' }, /from 1s to 300s/],
    ['audiences in a list', { audiences: ['a'] }, /\.audiences: must be an object/],
    ['one audience alone', { audiences: { orders: 'a' } }, /audiences\.orders: must be a list/],
    ['no audience', { audiences: { orders: [''] } }, /orders\[0\]: must not be empty/],
    ['a type with an id', { audiences: { 'service:a': [] } }, /service:a: is not the id of a ser/],
    ['everybody', { audiences: { '*': ['a'] } }, /audiences\.\*: is not the id of a service/],
    ['many audiences', { audiences: { a: Array(21).fill('a') } }, /20 entries at most/],
    ['an unknown type', ofRelation({}, 'items#x'), /items#x: type 'items' not found; did you mean/],
    ['an unknown relation', ofRelation({}, 'item#can_reserv'), /did you mean 'can_reserve'/],
    ['a relation of no type', ofRelation({}, 'item'), /item: is not of the form type#relation/],
    ['too many hashes', ofRelation({}, 'item#can_reserve#x'), /is not of the form type#relation/],
    ['an unknown wish', ofRelation({ online: true }), /can_reserve: has no member 'online'/],
    ['a wish that is a text', ofRelation({ online_only: 'yes' }), /online_only: must be true or/],
    ['a wrong lifetime', ofRelation({ lifetime: '6m' }), /can_reserve\.lifetime: must be whole/],
    ['line breaks in names', ofRelation({}, 'a\nb#c'), /^[^\n]*$/],
  ])('with %s are refused, naming the field', (_what, value, message) => {
    expect(refusalOf(value)).toMatch(message);
  });

  it('are refused where the model has nothing to delegate by', () => {
    const plan = planOf('type user\n');
    expect(refusalOf({ lifetime: '1s' }, plan)).toMatch(/no relation 'service#acting_for'/);
    expect(() => compileDelegationSettings(plan, undefined)).not.toThrow();
  });
});
