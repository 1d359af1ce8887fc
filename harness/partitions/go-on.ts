export const goOn = (relation: string): string =>
  `harness partitions convert ${relation} goes on from there, with --rollback it is taken back.`;
