import { HarnessError } from "../../core/errors.ts";

interface Server {
  host?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  database?: string | undefined;
}

type Explanation = { code: string; message: string; hint: string };

/** Why no connection came about, in one line with the cure. */
export function explainConnectionError(error: unknown, server: Server): HarnessError {
  const cause = error as { code?: string; message?: string; errors?: { code?: string }[] };
  const code = cause.code ?? cause.errors?.[0]?.code ?? "";
  const where = server.host?.includes(":")
    ? `[${server.host}]:${server.port}`
    : `${server.host}:${server.port}`;
  const explanations: Record<string, Explanation> = {
    ECONNREFUSED: noServer(where),
    ENOTFOUND: {
      code: "unknown-host",
      message: `the host ${server.host} is not known`,
      hint: "Check its spelling.",
    },
    EAI_AGAIN: {
      code: "unknown-host",
      message: `the host ${server.host} cannot be looked up`,
      hint: "Check its spelling and this machine's name server.",
    },
    ETIMEDOUT: unreachable(where),
    EHOSTUNREACH: unreachable(where),
    ENETUNREACH: unreachable(where),
    ECONNRESET: connectionLost(where),
    EPIPE: connectionLost(where),
    // a Unix socket that is not there
    ENOENT: noServer(where),
    "28P01": {
      code: "wrong-password",
      message: `the server at ${where} does not accept the password of role "${server.user}"`,
      hint: "Correct it in the URL, or set PGPASSWORD or ~/.pgpass.",
    },
    "28000": loginRefused(where, server, cause.message),
    "42501": loginRefused(where, server, cause.message),
    "3D000": {
      code: "unknown-database",
      message: `the server at ${where} has no database "${server.database}"`,
      hint: "Check the end of the URL.",
    },
    "53300": {
      code: "too-many-connections",
      message: `the server at ${where} has no connection left`,
      hint: "Try again later, or raise max_connections.",
    },
    "57P03": {
      code: "server-starting",
      message: `the server at ${where} is starting up or shutting down`,
      hint: "Try again in a moment.",
    },
  };
  const found = explanations[code] ??
    explainWording(cause.message ?? "", code, where, server) ?? {
      code: "connection-failed",
      message: `no connection to ${where}: ${cause.message ?? String(error)}`,
      hint: "Check the URL.",
    };
  return new HarnessError({ ...found, cause: error });
}

/** Failures that node-postgres and TLS report without a code of their own. */
function explainWording(
  message: string,
  code: string,
  where: string,
  server: Server,
): Explanation | undefined {
  if (/timeout/i.test(message)) return unreachable(where);
  if (/^Connection (terminated|ended)|establishing an SSL connection/.test(message))
    return connectionLost(where);
  if (/password must be a string/.test(message)) {
    return {
      code: "no-password",
      message: `the server at ${where} wants a password for role "${server.user}"`,
      hint: "Put it into the URL, PGPASSWORD or ~/.pgpass.",
    };
  }
  if (/does not support SSL/.test(message)) {
    return {
      code: "no-encryption",
      message: `the server at ${where} does not offer encrypted connections`,
      hint: "If you trust the network, write sslmode=prefer or sslmode=disable in the URL.",
    };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ISSUER/.test(code)) {
    return {
      code: "untrusted-certificate",
      message: `the certificate of the server at ${where} is not trusted: ${message}`,
      hint: "Name the authority's certificate with sslrootcert=FILE, or do without the proof of identity by sslmode=require.",
    };
  }
  return undefined;
}

function noServer(where: string): Explanation {
  return {
    code: "connection-refused",
    message: `no server answers at ${where}`,
    hint: "Start it, or check the host and the port.",
  };
}

function connectionLost(where: string): Explanation {
  return {
    code: "connection-lost",
    message: `the server at ${where} closed the connection`,
    hint: "Is it a Postgres server, and does it want sslmode=require?",
  };
}

function loginRefused(where: string, server: Server, why: string | undefined): Explanation {
  return {
    code: "login-refused",
    message: `the server at ${where} refuses role "${server.user}": ${why}`,
    hint: "Check the role, the database and the server's pg_hba.conf.",
  };
}

function unreachable(where: string): Explanation {
  return {
    code: "unreachable-host",
    message: `${where} does not answer`,
    hint: "Check the address, the network and the firewall.",
  };
}
