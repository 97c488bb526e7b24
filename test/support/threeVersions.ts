import type { Hash } from '../../services/core/bytes.ts';
import { type ActivityNode, operator, reaches } from './activityNodes.ts';

/** An activity of two nodes, buyer and seller, with three versions, which both have. */
export async function threeVersions(
  [buyer, seller]: readonly [ActivityNode, ActivityNode, ...ActivityNode[]],
  history: boolean,
): Promise<{ activity: Hash; messages: Hash[] }> {
  const { activity, message } = await buyer.desk.start(operator, {
    ...{ kind: 'industrial', request: 'information', rules: { history } },
    ...{ receivers: [seller.name], body: { step: 1 } },
  });
  const second = await buyer.desk.update(operator, activity, { body: { step: 2 } });
  await reaches(second.message, seller);
  const third = await seller.desk.update(operator, activity, { body: { step: 3 } });
  await reaches(third.message, buyer);
  return { activity, messages: [message, second.message, third.message] };
}
