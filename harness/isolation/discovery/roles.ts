import type { Certainty, FoundRole } from "./discovery.ts";

interface ChosenRoles {
  names: string[];
  staff: string[];
  certainty: Certainty;
  notes: string[];
}

/** The roles that queries run as on a tenant's behalf: bound by the policies, and neither the owner's nor the staff's. */
export function chooseRoles(roles: FoundRole[]): ChosenRoles {
  const staff = roles.filter((role) => role.staff && !role.bypass).map(({ name }) => name);
  const notes = staff.map(
    (name) => `every policy for ${name} lets it through: taken for staff; add it to tenantRoles if it is not`,
  );
  const bound = roles.filter((role) => !role.bypass && !role.ownsByMembership && !role.staff);
  if (bound.length > 0) {
    const named = bound.filter(({ named }) => named);
    const rest = bound.length - named.length;
    const reason = [
      named.length > 0 && `policies name ${list(named)}`,
      rest > 0 && `${list(bound.filter(({ named }) => !named))} may use the tables`,
    ];
    return {
      names: bound.map(({ name }) => name),
      staff,
      notes,
      certainty: {
        confidence: named.length > 0 ? "high" : "medium",
        reason: reason.filter(Boolean).join("; "),
      },
    };
  }
  // Policies that tell rows apart were written for somebody: that the role is above them by now is a finding, not a reason to look past it.
  const lifted = roles.filter((role) => role.bypass && role.named && !role.staff && !role.owner);
  if (lifted.length > 0) {
    return {
      names: lifted.map(({ name }) => name),
      staff,
      notes,
      certainty: { confidence: "medium", reason: `policies name ${list(lifted)}, though it is above them` },
    };
  }
  // Then the application can only be running as the owner, or as somebody stronger.
  const last = roles.filter(({ owner }) => owner);
  return {
    names: last.map(({ name }) => name),
    staff,
    notes,
    certainty: {
      confidence: "low",
      reason: `nobody but the owner ${list(last)} may use the tables, so that the application must be running as it`,
    },
  };
}

function list(roles: FoundRole[]): string {
  return roles.map(({ name }) => name).join(", ");
}
