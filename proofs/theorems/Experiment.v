(* What an experiment that starts where LoRA starts, at B = 0, is able to notice of a rule
   "alpha times k, the rate times c, the initial A times p", if the rate is one constant:
   after one step a whole curve of wrong rules still passes, after two steps none does with
   k and c positive. *)
From mathcomp Require Import all_ssreflect all_algebra ring.
From LoraGauge Require Import model.Lora theorems.Trajectory.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.TTheory.
Local Open Scope ring_scope.

Section Runs.
Variables (F : fieldType) (m n r : nat).

(* the weight after t steps from (A, 0) with one constant rate *)
Definition run_from_zero W0 (G : oracle F m n) (s eta : F) t (A : 'M[F]_(r, n)) :=
  weight W0 s (gd W0 G s (fun=> eta) (fun=> eta) t (A, 0)).

(* no experiment of at most T steps tells the two settings apart by its weights: scale
   times k, rate times c, initial A times p. An experiment is a frozen weight, gradients, a
   constant rate and an initial A; all of them are meant. *)
Definition unnoticed (T : nat) (s k p c : F) :=
  forall W0 (G : oracle F m n) eta t (A : 'M[F]_(r, n)), (t <= T)%N ->
  run_from_zero W0 G (k * s) (c * eta) t (p *: A) = run_from_zero W0 G s eta t A.

Lemma run0 W0 G s eta A : run_from_zero W0 G s eta 0 A = W0.
Proof. by rewrite /run_from_zero /weight /= mul0mx scaler0 addr0. Qed.

Lemma run1 W0 G s eta A :
  run_from_zero W0 G s eta 1 A = W0 - (eta * s ^+ 2) *: (G 0%N W0 *m A^T *m A).
Proof.
rewrite /run_from_zero /weight /= /gd_step /grad_A /grad_B /weight /= mul0mx trmx0 mul0mx.
rewrite !scaler0 !subr0 !addr0 add0r mulNmx -!scalemxAl scalerN !scalerA.
by congr (_ - _ *: _); ring.
Qed.

(* with a gradient that never changes *)
Lemma run2 g s eta A :
  run_from_zero 0 (fun _ _ => g) s eta 2 A
  = - (2%:R * eta * s ^+ 2) *: (g *m A^T *m A)
    - (2%:R * eta * s ^+ 2 * (eta * s) ^+ 2) *: (g *m A^T *m A *m g^T *m g).
Proof.
rewrite /run_from_zero /weight /= /gd_step /grad_A /grad_B /= trmx0 mul0mx !scaler0 !subr0 !add0r.
have -> : (- (eta *: (s *: (g *m A^T))))^T *m g = - ((eta * s) *: (A *m g^T *m g)).
  by rewrite scalerA linearN linearZ /= trmx_mul trmxK mulNmx -scalemxAl.
rewrite !scalerN opprK !scalerA -opprD -mulr2n -scaler_nat scalerA mulNmx scalerN.
rewrite -scalemxAl mulmxDr -scalemxAr !mulmxA !scalerDr !scalerA opprD scaleNr.
by congr (- (_ *: _) - _ *: _); ring.
Qed.

(* one step, any experiment: the change of the weight is multiplied by k^2 c p^2, so a
   wrong rule shows at once unless that product is 1 or nothing moved *)
Theorem first_step_change W0 (G : oracle F m n) (s k p c eta : F) A :
  run_from_zero W0 G (k * s) (c * eta) 1 (p *: A) - W0
  = (k ^+ 2 * c * p ^+ 2) *: (run_from_zero W0 G s eta 1 A - W0).
Proof.
rewrite !run1 ![W0 - _]addrC !addrK [(p *: A)^T]linearZ /=.
rewrite -!(scalemxAr, scalemxAl) !scalerN !scalerA.
by congr (- (_ *: _)); ring.
Qed.
End Runs.

Section Corner.
Variables (F : fieldType) (m n r : nat) (s k : F).
Hypothesis (s0 : s != 0).
Notation unnoticed := (@unnoticed F m.+1 n.+1 r.+1).

Let A1 : 'M[F]_(r.+1, n.+1) := delta_mx 0 0.
Let g1 : 'M[F]_(m.+1, n.+1) := delta_mx 0 0.
Let gAA : g1 *m A1^T *m A1 = g1. Proof. by rewrite trmx_delta !mul_delta_mx. Qed.
Let ggg : g1 *m g1^T *m g1 = g1. Proof. by rewrite trmx_delta !mul_delta_mx. Qed.
Let g1_neq0 : g1 != 0.
Proof. by apply/eqP => /matrixP /(_ 0 0) /eqP; rewrite !mxE !eqxx oner_eq0. Qed.

(* the curve of rules that one step cannot refute *)
Theorem one_step_iff p c : unnoticed 1 s k p c <-> k ^+ 2 * c * p ^+ 2 = 1.
Proof.
split=> [H|h W0 G eta t A t1]; last first.
  have : (t == 0%N) || (t == 1%N) by case: t t1 => [|[]].
  case/orP => /eqP ->; first by rewrite !run0.
  by apply: (addIr (- W0)); rewrite first_step_change h scale1r.
have := first_step_change 0 (fun _ _ => g1) s k p c 1 A1.
rewrite H // => /eqP; rewrite -subr_eq0 -{1}[run_from_zero _ _ _ _ _ _ - 0]scale1r -scalerBl.
rewrite scaler_eq0 run1 mul1r gAA sub0r subr0 oppr_eq0 scaler_eq0 expf_eq0 (negbTE s0) /=.
by rewrite (negbTE g1_neq0) orbF subr_eq0 => /eqP.
Qed.

(* rules that one step lets through, wrong unless k = 1: with alpha times k, either the rate over k^2
   and the initial factors as they were, or the initial A over k and the rate as it was *)
Theorem one_step_is_blind : k != 0 -> unnoticed 1 s k 1 (k ^- 2) /\ unnoticed 1 s k k^-1 1.
Proof. by move=> k0; split; apply/one_step_iff; field. Qed.

Lemma two_steps_square p c : 2%:R != 0 :> F -> unnoticed 2 s k p c ->
  k ^+ 2 * c * p ^+ 2 = 1 /\ (k * c) ^+ 2 = 1.
Proof.
move=> two H; have h : k ^+ 2 * c * p ^+ 2 = 1.
  by apply/one_step_iff => W0 G eta t A t1; apply: H; apply: leq_trans t1 _.
split=> //; have := H 0 (fun _ _ => g1) 1 2%N A1 isT.
rewrite !run2 [(p *: A1)^T]linearZ /= -!(scalemxAr, scalemxAl) gAA ggg.
rewrite !scalerA -!scaleNr -!scalerDl => /eqP; rewrite -subr_eq0 -scalerBl scaler_eq0.
rewrite (negbTE g1_neq0) orbF subr_eq0 => /eqP e.
have e2 : (- 2%:R * s ^+ 4) * (k * c) ^+ 2 = - 2%:R * s ^+ 4.
  apply: (addrI (- 2%:R * s ^+ 2)).
  transitivity (- 2%:R * s ^+ 2 * (k ^+ 2 * c * p ^+ 2)
              + - 2%:R * s ^+ 4 * (k * c) ^+ 2 * (k ^+ 2 * c * p ^+ 2)).
    by rewrite h !mulr1.
  have -> : - 2%:R * s ^+ 2 + - 2%:R * s ^+ 4
     = - (2%:R * 1 * s ^+ 2) + - (2%:R * 1 * s ^+ 2 * (1 * s) ^+ 2) by ring.
  by rewrite -e; ring.
by apply: (mulfI (_ : - 2%:R * s ^+ 4 != 0)); rewrite ?mulr1 // mulf_neq0 ?oppr_eq0 ?expf_neq0.
Qed.
End Corner.

Section Decide.
Variables (R : rcfType) (m n r : nat) (s k : R).
Hypotheses (s0 : s != 0) (k0 : 0 < k).
Notation unnoticed := (@unnoticed R m.+1 n.+1 r.+1).
Let kn0 : k != 0. Proof. exact: lt0r_neq0. Qed.

Lemma right_rule_unnoticed T p c : k * p ^+ 2 = 1 -> k * c = 1 -> unnoticed T s k p c.
Proof.
move=> kp kc W0 G eta t A _.
have p0 : p != 0 by apply: contra_eq_neq kp => ->; rewrite expr0n mulr0 eq_sym oner_neq0.
have cE : c = k^-1 by apply: (mulfI kn0); rewrite kc mulfV.
have c2 : p^-1 ^+ 2 = k by apply: (mulIf (expf_neq0 2 p0)); rewrite -exprMn mulVf // expr1n kp.
have pV0 : p^-1 != 0 by rewrite invr_eq0.
have := note_zero_start W0 G s (fun=> eta) pV0 c2 t A; rewrite invrK /run_from_zero => <-.
by congr weight; apply: eq_gd => u; rewrite cE mulrC.
Qed.

(* two steps leave the right rule only *)
Theorem two_steps_iff p c : 0 < c ->
  (unnoticed 2 s k p c <-> k * p ^+ 2 = 1 /\ k * c = 1).
Proof.
move=> c0; split=> [/two_steps_square|[]]; last exact: right_rule_unnoticed.
case=> //; first by rewrite pnatr_eq0.
move=> h /eqP; rewrite -[X in _ == X](expr1n _ 2) eqf_sqr => /orP [] /eqP kc; last first.
  by have := mulr_gt0 k0 c0; rewrite kc oppr_gt0 ltr10.
by split=> //; transitivity (k ^+ 2 * c * p ^+ 2); [rewrite -[LHS]mul1r -{1}kc; ring | ].
Qed.

(* a rule that two steps do not notice is noticed by no number of steps *)
Theorem two_steps_decide p c : 0 < c ->
  (unnoticed 2 s k p c <-> forall T, unnoticed T s k p c).
Proof.
move=> c0; split=> [H T|]; last exact.
by have /(two_steps_iff p c0) [kp kc] := H; apply: right_rule_unnoticed.
Qed.

(* no constant rate makes up for another alpha if the initial A stays as it is *)
Theorem rate_alone_iff c : 0 < c -> (unnoticed 2 s k 1 c <-> k = 1 /\ c = 1).
Proof.
move=> c0; split=> [/(two_steps_iff 1 c0)|[k1 c1]].
  by rewrite expr1n mulr1 => -[-> ]; rewrite mul1r.
by apply/(two_steps_iff 1 c0); rewrite k1 c1 expr1n !mulr1.
Qed.

(* no multiple of the initial A makes up for another alpha if the rate stays as it is *)
Theorem init_alone_iff p : unnoticed 2 s k p 1 <-> k = 1 /\ p ^+ 2 = 1.
Proof.
split=> [/(two_steps_iff p ltr01)|[k1 p2]].
  by rewrite mulr1 => -[+ k1]; rewrite k1 mul1r.
by apply/(two_steps_iff p ltr01); rewrite k1 p2 !mulr1.
Qed.

(* three tempting wrong rules already show after one step, unless k = 1: initial A not
   divided; rate not divided; rate divided by the root of k only *)
Theorem wrong_rules_noticed_in_one_step p : k * p ^+ 2 = 1 -> k != 1 ->
  [/\ ~ unnoticed 1 s k 1 k^-1, ~ unnoticed 1 s k p 1
    & ~ unnoticed 1 s k p (Num.sqrt k)^-1].
Proof.
move=> kp k1.
have sk : Num.sqrt k ^+ 2 = k by rewrite sqr_sqrtr // ltW.
have r0 : Num.sqrt k != 0 by rewrite lt0r_neq0 // sqrtr_gt0.
split=> /one_step_iff => /(_ s0) /eqP; apply/negP.
- by rewrite expr1n mulr1 expr2 mulfK.
- by rewrite mulr1 expr2 -mulrA kp mulr1.
- have -> : k ^+ 2 * (Num.sqrt k)^-1 * p ^+ 2 = (k * p ^+ 2) * (k / Num.sqrt k) by ring.
  rewrite kp mul1r -{1}sk expr2 mulfK //; apply: contra k1 => /eqP e.
  by rewrite -sk e expr1n.
Qed.
End Decide.
