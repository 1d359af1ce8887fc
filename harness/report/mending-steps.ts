/** A statement of the SQL that mends, and the things by whose names it can be in the way of another one. */
export interface Step {
  text: string;
  /** Place of the mending that it belongs to. */
  mending: number;
  acts: Act[];
  /** Whether it fails if it has run already, as far as its kind tells. */
  once: boolean;
}

export interface Act {
  does: "create" | "use" | "drop";
  /** E.g. `policy public.bookings mine`, `relation public.bookings`. */
  thing: string;
}

type Tree = Record<string, unknown>;
interface RawStatement {
  stmt?: Tree;
  stmt_location?: number;
  stmt_len?: number;
}

/** The statements of one mending, each with the comments before it, told apart by the server's own grammar. */
export async function stepsOf(sql: string, mending: number): Promise<Step[]> {
  const { parse } = await import("libpg-query");
  const bytes = Buffer.from(sql);
  const { stmts = [] } = (await parse(sql)) as { stmts?: RawStatement[] };
  return stmts.map(({ stmt = {}, stmt_location: start = 0, stmt_len: length }) => {
    const [kind = "", tree] = Object.entries(stmt)[0] ?? [];
    return {
      text: bytes
        .subarray(start, length ? start + length : undefined)
        .toString()
        .trim(),
      mending,
      acts: actsOf(kind, tree as Tree),
      once: !/^(Grant|GrantRole|AlterDefaultPrivileges|VariableSet|Transaction|Select|Do)Stmt$/.test(kind),
    };
  });
}

function actsOf(kind: string, tree: Tree): Act[] {
  const table = relation(tree.relation ?? tree.table);
  switch (kind) {
    case "CreatePolicyStmt":
      return [
        { does: "create", thing: `policy ${table} ${tree.policy_name}` },
        { does: "use", thing: `relation ${table}` },
      ];
    case "AlterPolicyStmt":
      return [
        { does: "use", thing: `policy ${table} ${tree.policy_name}` },
        { does: "use", thing: `relation ${table}` },
      ];
    case "AlterTableStmt":
      return [
        { does: "use", thing: `relation ${table}` },
        ...(tree.cmds as Tree[]).flatMap((cmd) => commandActs(cmd.AlterTableCmd as Tree, table)),
      ];
    case "AlterFunctionStmt":
      return [{ does: "use", thing: routine(tree.func as Tree) }];
    case "AlterObjectSchemaStmt":
    case "AlterOwnerStmt":
    case "GrantStmt":
      return [tree.object, ...((tree.objects as Tree[]) ?? [])].flatMap(objectActs);
    case "IndexStmt":
      return [{ does: "use", thing: `relation ${table}` }];
    case "DropStmt":
      return (tree.objects as Tree[]).map((object) => ({
        does: "drop",
        thing: dropped(String(tree.removeType), object),
      }));
    default:
      return [];
  }
}

function commandActs({ subtype, name, def }: Tree, table: string): Act[] {
  const constraint = (def as Tree | undefined)?.Constraint as Tree | undefined;
  if (subtype === "AT_AddConstraint" && constraint?.conname)
    return [{ does: "create", thing: `constraint ${table} ${constraint.conname}` }];
  if (subtype === "AT_DropConstraint") return [{ does: "drop", thing: `constraint ${table} ${name}` }];
  return subtype === "AT_DropColumn" ? [{ does: "drop", thing: `column ${table} ${name}` }] : [];
}

function objectActs(object: unknown): Act[] {
  const { RangeVar: range, ObjectWithArgs: function_ } = (object ?? {}) as Record<string, Tree | undefined>;
  if (range) return [{ does: "use", thing: `relation ${relation(range)}` }];
  return function_ ? [{ does: "use", thing: routine(function_) }] : [];
}

function dropped(type: string, object: Tree): string {
  if (object.ObjectWithArgs) return routine(object.ObjectWithArgs as Tree);
  const names = object.List ? strings((object.List as Tree).items) : strings([object]);
  const owned = /^OBJECT_(POLICY|TRIGGER|RULE)$/.exec(type)?.[1];
  if (owned) return `${owned.toLowerCase()} ${names.slice(0, -1).join(".")} ${names.at(-1)}`;
  const isRelation = /^OBJECT_(TABLE|VIEW|MATVIEW|INDEX|SEQUENCE|FOREIGN_TABLE)$/.test(type);
  return `${isRelation ? "relation" : type} ${names.join(".")}`;
}

function routine({ objname, objargs = [] }: Tree): string {
  const types = (objargs as Tree[]).map((argument) => strings((argument.TypeName as Tree).names).join("."));
  return `routine ${strings(objname).join(".")}(${types.join(", ")})`;
}

function relation(range: unknown): string {
  const { schemaname, relname } = (range ?? {}) as Tree;
  return [schemaname, relname].filter(Boolean).join(".");
}

function strings(nodes: unknown): string[] {
  return (nodes as Tree[]).map((node) => String((node.String as Tree | undefined)?.sval));
}
