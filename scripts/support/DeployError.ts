/** The deployment did not come about; `message` holds every reason. */
export class DeployError extends Error {
  override name = 'DeployError';
}
