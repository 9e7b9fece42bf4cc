// Made from ../../schema/shop/fga.mod by `pemba schema types`. Change the schema, and make it again.

export interface Schema {
  /** By type and relation: the subjects of its tuples; `never` where it has none of its own. */
  readonly types: {
    readonly user: object;
    readonly team: {
      readonly member: `user:${string}` | `team:${string}#member`;
    };
    readonly shop: {
      readonly manager: `user:${string}` | `team:${string}#member`;
      readonly clerk: `user:${string}` | `team:${string}#member`;
      readonly blocked: `user:${string}`;
      readonly accountant: `user:${string}` | `team:${string}#member`;
      readonly refunder: never;
    };
    readonly service: {
      readonly acting_for: `user:${string}`;
    };
    readonly scope: {
      readonly actor: `service:${string}`;
      readonly through: `service:${string}` | 'service:*';
    };
    readonly order: {
      readonly shop: `shop:${string}`;
      readonly customer: `user:${string}`;
      readonly can_view: never;
      readonly can_place: never;
      readonly can_cancel: never;
      readonly accountant: never;
      readonly refunder: never;
    };
    readonly warehouse: {
      readonly shop: `shop:${string}`;
      readonly worker: `user:${string}` | `team:${string}#member`;
      readonly manager: never;
      readonly staff: never;
    };
    readonly item: {
      readonly warehouse: `warehouse:${string}`;
      readonly viewer: `user:${string}` | 'user:*';
      readonly can_view: never;
      readonly order: `order:${string}`;
      readonly ordering_service: `service:${string}`;
      readonly can_reserve: never;
      readonly can_write_off: never;
    };
    readonly invoice: {
      readonly order: `order:${string}`;
      readonly can_view: never;
      readonly charging_service: `service:${string}`;
      readonly can_charge: never;
      readonly can_refund: never;
    };
  };
  /** By type, relation and condition: the subjects of tuples that name the condition. */
  readonly conditional: {
    readonly shop: {
      readonly refunder: {
        readonly within_limit: `user:${string}` | `team:${string}#member`;
      };
    };
  };
  /** By condition: its parameters. */
  readonly conditions: {
    readonly within_limit: {
      readonly amount: number;
      readonly limit: number;
    };
  };
}
