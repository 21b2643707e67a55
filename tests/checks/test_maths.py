"""Where curves break, told by what is reported and what is left alone."""

from __future__ import annotations


def test_a_long_warmup_is_not_tried_where_the_decay_has_a_length_of_its_own(codes):
    assert (
        codes(
            """
            from torch.optim.lr_scheduler import LambdaLR

            def warmup_stable_decay(optimizer, num_warmup_steps, num_training_steps, num_decay_steps):
                decay_start = num_training_steps - num_decay_steps

                def factor(step):
                    if step < num_warmup_steps:
                        return step / max(1, num_warmup_steps)
                    if step < decay_start:
                        return 1.0
                    return max(0.0, (num_training_steps - step) / max(1, num_decay_steps))

                return LambdaLR(optimizer, factor)
            """
        )
        == []
    )
