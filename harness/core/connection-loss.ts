/** What of an error tells that the connection broke, whoever reports it: the server, node-postgres or the operating system. */
interface Reported {
  code?: string | undefined;
  message?: string | undefined;
}

/** 08: connection exceptions. 57P01 to 57P05: shut down, crashed, starting, dropped, idle. 25P03, 25P04: idle or too long in a transaction. */
const lossStates = /^(08...|57P0[1-5]|25P0[34])$/;
const lossErrnos =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN)$/;
/** node-postgres gives these no code. */
const lossWords =
  /^(Connection (terminated|ended)|Client was closed|Client has encountered a connection error|.*(connection is closed|not queryable)|Cannot use a pool after|timeout exceeded when trying to connect)/;

/** Whether the connection was lost after it had come about. */
export function isConnectionLoss(error: unknown): boolean {
  const { code = "", message = "" } = (error ?? {}) as Reported;
  return lossStates.test(code) || lossErrnos.test(code) || lossWords.test(message);
}
